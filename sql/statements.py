"""Named statements: the .sql files of queries/ as prepared-statement texts.

A file holds statements, each headed by comment lines::

    -- name: vehicles_page
    -- row: Vehicle
    -- order: label v.label text, created_at v.created_at timestamptz, id v.id uuid
    select v.id, v.label
      from vehicles v
     where v.tenant_id = :tenant_id
       and v.make = :make          --? make
       and :keyset                 --? keyset
     order by :order
     limit :limit

``:name`` is a parameter. A line that ends in ``--? a b`` is there only when every parameter named is given; ``--? !a``
only when ``a`` is not. ``:order`` and ``:keyset`` come from the columns of the ``order`` header. So a filter that is not
asked for costs nothing, and each variant is prepared, and planned, for itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

HEADER = re.compile(r"^-- (name|row|order): (.+)$")
OPTIONAL = re.compile(r"^(?P<sql>.*?)\s*--\? (?P<needs>[\w! ]+)$")
PARAMETER = re.compile(r"(?<!:):([a-z_][a-z0-9_]*)")
MARKERS = frozenset({"order", "keyset"})


@dataclass(frozen=True)
class OrderColumn:
    """A column that rows may be ordered by: its name in the row, its expression, its PostgreSQL type."""

    name: str
    expression: str
    type: str


@dataclass(frozen=True)
class Ordering:
    """One term of an ORDER BY."""

    column: str
    descending: bool = False

    def reversed(self) -> Ordering:
        """The same term the other way round."""
        return Ordering(self.column, not self.descending)


VariantKey = tuple[frozenset[str], tuple[Ordering, ...]]


@dataclass(frozen=True)
class Statement:
    """One named statement; ``row`` names the type that reads its rows, where one does."""

    name: str
    text: str
    row: str | None = None
    order: tuple[OrderColumn, ...] = ()
    _rendered: dict[VariantKey, tuple[str, tuple[str, ...]]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def optional(self) -> tuple[str, ...]:
        """The parameters that switch lines on or off, in order of appearance."""
        needs = (need for line in self.text.splitlines() if (m := OPTIONAL.match(line)) for need in m["needs"].split())
        return tuple(dict.fromkeys(need.lstrip("!") for need in needs))

    def render(self, given: frozenset[str], order: tuple[Ordering, ...] = ()) -> tuple[str, tuple[str, ...]]:
        """The SQL text with ``$n`` placeholders, and the names of the parameters in that order."""
        key = (given, order)
        rendered = self._rendered.get(key)
        if rendered is None:
            rendered = self._rendered[key] = self._render(given, order)
        return rendered

    def _render(self, given: frozenset[str], order: tuple[Ordering, ...]) -> tuple[str, tuple[str, ...]]:
        lines = []
        for line in self.text.splitlines():
            if match := OPTIONAL.match(line):
                if all(
                    (need[1:] not in given) if need[0] == "!" else (need in given) for need in match["needs"].split()
                ):
                    lines.append(match["sql"])
            else:
                lines.append(line)
        sql = "\n".join(lines)
        if order:
            columns = {column.name: column for column in self.order}
            terms = [(columns[term.column], term.descending) for term in order]
            sql = sql.replace(":order", ", ".join(f"{c.expression} {'desc' if desc else 'asc'}" for c, desc in terms))
            sql = sql.replace(":keyset", _keyset(terms))
        names: dict[str, int] = {}
        sql = PARAMETER.sub(lambda match: f"${names.setdefault(match[1], len(names) + 1)}", sql)
        return sql, tuple(names)


def _keyset(terms: list[tuple[OrderColumn, bool]]) -> str:
    """The rows behind the position ``:after_0, :after_1, ...`` in this order.

    One direction throughout is a row comparison, which an index on the columns answers. Mixed directions nest:
    ``a >= x and (a > x or (b < y or b = y and c > z))``, where the first bound is the index's.
    """
    values = [f":after_{i}::{column.type}" for i, (column, _) in enumerate(terms)]
    signs = ["<" if descending else ">" for _, descending in terms]
    if len(set(signs)) == 1:
        left = ", ".join(column.expression for column, _ in terms)
        return f"({left}) {signs[0]} ({', '.join(values)})"
    condition = ""
    for (column, _), sign, value in reversed(list(zip(terms, signs, values, strict=True))):
        behind = f"{column.expression} {sign} {value}"
        condition = f"({behind} or ({column.expression} = {value} and {condition}))" if condition else behind
    return f"{terms[0][0].expression} {signs[0]}= {values[0]} and {condition}"


def parse(text: str, origin: str) -> Iterator[Statement]:
    """The statements of one file's text. Raises ValueError, naming ``origin``, for a text without a name header."""
    for block in re.split(r"(?m)^(?=-- name: )", text):
        if not block.startswith("-- name: "):
            if any(line.strip() and not line.startswith("--") for line in block.splitlines()):
                raise ValueError(f"{origin}: SQL before the first '-- name:' line")
            continue
        headers: dict[str, str] = {}
        body: list[str] = []
        for line in block.splitlines():
            if match := HEADER.match(line):
                headers[match[1]] = match[2].strip()
            elif body or (line.strip() and not line.startswith("-- ")):
                body.append(line.rstrip())
        order = tuple(OrderColumn(*part.split()) for part in headers["order"].split(",")) if "order" in headers else ()
        yield Statement(headers["name"], "\n".join(body).rstrip().rstrip(";"), headers.get("row"), order)


@cache
def load() -> dict[str, Statement]:
    """Every named statement of queries/, by name. Raises ValueError where two share a name."""
    statements: dict[str, Statement] = {}
    for path in sorted(files("sql").joinpath("queries").iterdir(), key=lambda entry: entry.name):
        if not path.name.endswith(".sql"):
            continue
        for statement in parse(path.read_text(encoding="utf-8"), path.name):
            if statement.name in statements:
                raise ValueError(f"{path.name}: a second statement named {statement.name}")
            statements[statement.name] = statement
    return statements
