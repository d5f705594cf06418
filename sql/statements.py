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

``:name`` is a parameter. A line that ends in ``--? a b`` is there only when every parameter named is given, ``--? !a``
only when ``a`` is not; ``--{ a`` and ``--}`` on lines of their own do the same for the lines between. ``:order`` and
``:keyset`` come from the columns of the ``order`` header. So a filter that is not asked for costs nothing, and each
variant is prepared, and planned, for itself. ``--> name`` stands for the lines of a block headed ``-- fragment: name``.

``:ids::text::uuid[]`` takes its ids as one text, which is sooner made than an array's elements one by one. It is for
hundreds of ids that are looked at once: in a filter the text would be read for every row.

A statement is planned once and for all values: planning takes longer than most statements do. One whose best plan
depends on its values has a header ``-- plan: force_custom_plan``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files

HEADER = re.compile(r"^-- (name|fragment|row|order|plan): (.+)$")
BLOCK = re.compile(r"(?m)^(?=-- (?:name|fragment): )")
FRAGMENT = re.compile(r"(?m)^--> (\w+)$")
SWITCH = re.compile(r"^--\{ (?P<needs>[\w! ]+)$")
OPTIONAL = re.compile(r"^(?P<sql>.*?)\s*--\? (?P<needs>[\w! ]+)$")
ID_TEXT = re.compile(r":(\w+)::text::uuid\[\]")
PARAMETER = re.compile(r"(?<!:):([a-z_][a-z0-9_]*)")
GENERIC = "force_generic_plan"


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
    """One named statement; ``row`` names the type that reads its rows, where one does.

    ``plan`` is the ``plan_cache_mode`` that it is fastest under.
    """

    name: str
    text: str
    row: str | None = None
    order: tuple[OrderColumn, ...] = ()
    plan: str = GENERIC
    _rendered: dict[VariantKey, tuple[str, tuple[str, ...]]] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def optional(self) -> tuple[str, ...]:
        """The parameters that switch lines on or off, in order of appearance."""
        lines = self.text.splitlines()
        needs = (
            need for line in lines if (m := OPTIONAL.match(line) or SWITCH.match(line)) for need in m["needs"].split()
        )
        return tuple(dict.fromkeys(need.lstrip("!") for need in needs))

    @cached_property
    def id_texts(self) -> frozenset[str]:
        """The parameters that are sent as the text of an array of ids."""
        return frozenset(ID_TEXT.findall(self.text))

    def render(self, given: frozenset[str], order: tuple[Ordering, ...] = ()) -> tuple[str, tuple[str, ...]]:
        """The SQL text with ``$n`` placeholders, and the names of the parameters in that order."""
        key = (given, order)
        rendered = self._rendered.get(key)
        if rendered is None:
            rendered = self._rendered[key] = self._render(given, order)
        return rendered

    def _render(self, given: frozenset[str], order: tuple[Ordering, ...]) -> tuple[str, tuple[str, ...]]:
        def met(needs: str) -> bool:
            return all((need[1:] not in given) if need[0] == "!" else (need in given) for need in needs.split())

        lines = []
        switched_off = False
        for line in self.text.splitlines():
            if match := SWITCH.match(line):
                switched_off = not met(match["needs"])
            elif line == "--}":
                switched_off = False
            elif switched_off:
                continue
            elif match := OPTIONAL.match(line):
                if met(match["needs"]):
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


@dataclass(frozen=True)
class Block:
    """A headed piece of a .sql file: a statement or a fragment."""

    headers: dict[str, str]
    text: str


def parse(text: str, origin: str) -> Iterator[Block]:
    """The headed blocks of one file's text. Raises ValueError, naming ``origin``, for SQL before the first header."""
    for part in BLOCK.split(text):
        headers: dict[str, str] = {}
        body: list[str] = []
        for line in part.splitlines():
            if match := HEADER.match(line):
                headers[match[1]] = match[2].strip()
            elif line != "--" and not line.startswith("-- ") and (body or line.strip()):
                body.append(line.rstrip())
        if headers:
            yield Block(headers, "\n".join(body).rstrip().rstrip(";"))
        elif body:
            raise ValueError(f"{origin}: SQL before the first '-- name:' line")


@cache
def load() -> dict[str, Statement]:
    """Every named statement of queries/, by name. Raises ValueError where two share a name."""
    blocks = [
        block
        for path in sorted(files("sql").joinpath("queries").iterdir(), key=lambda entry: entry.name)
        if path.name.endswith(".sql")
        for block in parse(path.read_text(encoding="utf-8"), path.name)
    ]
    fragments = {block.headers["fragment"]: block.text for block in blocks if "fragment" in block.headers}
    statements: dict[str, Statement] = {}
    for block in blocks:
        if name := block.headers.get("name"):
            if name in statements:
                raise ValueError(f"a second statement named {name}")
            text = FRAGMENT.sub(lambda match: fragments[match[1]], block.text)
            terms = [term.split() for term in block.headers.get("order", "").split(",") if term]
            order = tuple(OrderColumn(*term) for term in terms)
            plan = block.headers.get("plan", GENERIC)
            statements[name] = Statement(name, text, block.headers.get("row"), order, plan)
    return statements
