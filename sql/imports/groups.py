"""Fleet groups from a JSON or CSV file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sql.imports.problem import Problems, printable, quoted
from sql.imports.reading import Record, csv_records, json_records, read_text
from sql.imports.report import ImportReport, Progress
from sql.imports.stage import copy_rows, statements
from sql.imports.tenant import Tenant, import_transaction, row_id

REQUIRED = ("code", "name")
OPTIONAL = ("type", "parent")
LONGEST_NAME = 200
DEEPEST_LEVEL = 100
"""Far deeper than any fleet is; the database walks up from every new group, so that a chain costs its square."""
GROUP_TYPES = frozenset({"department", "location", "vehicle_type", "custom"})
ISO_CODE = re.compile(r"([A-Z]{2})-.+")
CODES_SHOWN = 10


@dataclass(frozen=True)
class Group:
    """A group to be: its code, the type as the file says it, the code of its parent, and whether it is on a map."""

    code: str
    name: str
    type: str | None
    parent: str | None
    is_place: bool

    @property
    def group_type(self) -> str:
        """The kind of fleet group: the type itself if it is one, else location for codes of countries and regions."""
        if self.type in GROUP_TYPES:
            return str(self.type)
        return "location" if self.is_place else "custom"

    @property
    def metadata(self) -> dict[str, str]:
        """What the file says of the group beyond its name."""
        return {"code": self.code} | ({"type": self.type} if self.type else {})


def import_groups(owner_url: str, path: Path, *, tenant: str, progress: Progress) -> ImportReport:
    """Imports fleet groups with columns (or keys) code, name, type and parent into the tenant of that name.

    A parent is the code of another entry, anywhere in the file. An entry ``AD-02`` may name its parent without the
    ``AD-``, and without a parent it belongs to the group ``AD``, which is made unless the file has it.
    Raises ImportFileError, with every problem and nothing imported, and DatabaseUnavailableError.
    """
    text = read_text(path)
    problems = Problems()
    progress("Reading", 0, 1)
    if path.suffix.lower() == ".json" or text.lstrip()[:1] in ("[", "{"):
        records = json_records(text, problems, required=REQUIRED, optional=OPTIONAL)
    else:
        records = csv_records(text, problems, columns=REQUIRED, required=REQUIRED, optional=OPTIONAL)
    forest = _forest(records, problems)
    problems.refuse()
    progress("Reading", 1, 1)
    with import_transaction(owner_url, tenant) as (connection, target):
        copy_rows(connection, "groups", list(_rows(forest, target)), progress)
        progress("Adding fleet groups", 0, len(forest))
        added = connection.execute(statements()["add_groups"], {"tenant_id": target.id}).rowcount
        progress("Adding fleet groups", len(forest), len(forest))
    return ImportReport(target.id, target.owner_email, len(records), {"fleet groups": added})


def _rows(forest: dict[str, Group], tenant: Tenant) -> Iterator[Sequence[Any]]:
    for group in forest.values():
        parent_id = row_id(tenant, "group", group.parent) if group.parent is not None else None
        metadata = json.dumps(group.metadata, ensure_ascii=False)
        yield row_id(tenant, "group", group.code), parent_id, group.name, group.group_type, metadata


def _forest(records: Sequence[Record], problems: Problems) -> dict[str, Group]:
    """The groups by code, their parents resolved, with the countries that the file leaves out."""
    named: dict[str, Record] = {}
    for record in records:
        code, name = record.values.get("code"), record.values.get("name", "")
        if len(name) > LONGEST_NAME:
            problems.add(f"{record.at('name')}: {len(name)} characters, at most {LONGEST_NAME} are possible")
        if code is None:
            continue
        if code in named:
            problems.add(f"{record.at('code')}: {quoted(code)} is already the code of {named[code].place}")
        else:
            named[code] = record
    countries = {match[1] for code in named if (match := ISO_CODE.fullmatch(code))}
    forest: dict[str, Group] = {}
    for code, record in named.items():
        parent = _parent(code, record, named, problems)
        if parent is not None and parent not in named and parent not in forest:
            forest[parent] = Group(parent, parent, "Country", parent=None, is_place=True)
        is_place = code in countries or ISO_CODE.fullmatch(code) is not None
        forest[code] = Group(code, record.values.get("name", ""), record.values.get("type"), parent, is_place)
    _refuse_cycles(forest, named, problems)
    return forest


def _parent(code: str, record: Record, named: dict[str, Record], problems: Problems) -> str | None:
    """The code of the parent: as it is written, or the child's country, or with that country put before it."""
    match = ISO_CODE.fullmatch(code)
    country = match[1] if match else None
    written = record.values.get("parent", country)
    if written in named or written == country:
        return written
    if country is not None and f"{country}-{written}" in named:
        return f"{country}-{written}"
    problems.add(f"{record.at('parent')}: no group has the code {quoted(written or '')}")
    return None


def _refuse_cycles(forest: dict[str, Group], named: dict[str, Record], problems: Problems) -> None:
    """Walks up from every group to one whose level is known, and finds the walks that meet themselves."""
    levels: dict[str, int] = {}
    for start in forest:
        walked: dict[str, None] = {}
        code: str | None = start
        while code is not None and code not in levels and code not in walked:
            walked[code] = None
            code = forest[code].parent
        if code is not None and code in walked:
            steps = list(walked)
            cycle = [*steps[steps.index(code) :], code]
            shown = cycle if len(cycle) <= CODES_SHOWN else [*cycle[: CODES_SHOWN - 1], "...", code]
            problems.add(f"{named[code].at('parent')}: a cycle, {' -> '.join(map(printable, shown))}")
            levels.update(dict.fromkeys(walked, 1))
            continue
        level = levels[code] if code is not None else 0
        for step in reversed(walked):
            level += 1
            levels[step] = level
            if level == DEEPEST_LEVEL + 1:
                problems.add(f"{named[step].at('parent')}: more than {DEEPEST_LEVEL} levels deep")
