"""Golden operations: each .graphql file of operations/ with its result and the statements it issued.

The first lines say who asks: ``# caller: owner@enterprise.example`` and, where that person has several tenants,
``# tenant: Medium``; ``# variables: {...}`` gives variables. ``make snapshots`` rewrites the results; review the diff.
"""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from tests.conftest import Ask

pytestmark = pytest.mark.database

OPERATIONS = Path(__file__).parent / "operations"
FILES = sorted(OPERATIONS.glob("*/*.graphql"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
async def test_operation_answers_as_recorded_with_the_recorded_statements(path: Path, ask: Ask, *, rewrite: bool):
    """The result and the SQL of a golden operation are what they were."""
    text = path.read_text(encoding="utf-8")  # noqa: ASYNC240 - a small file, in a test
    headers = dict(
        line[2:].split(": ", 1)
        for line in text.splitlines()
        if line.startswith(("# caller: ", "# tenant: ", "# variables: "))
    )
    variables = orjson.loads(headers.get("variables", "{}"))
    answer = await ask(text, headers["caller"], headers.get("tenant"), **variables)
    result = {"data": answer.data} | ({"errors": answer.errors} if answer.errors else {})
    written = {
        ".json": orjson.dumps(result, option=orjson.OPT_INDENT_2).decode() + "\n",
        ".sql": "\n\n".join(f"-- {issued.name}\n{issued.sql};" for issued in answer.issued) + "\n",
    }
    for suffix, content in written.items():
        golden = path.with_suffix(suffix)
        if rewrite:
            golden.write_text(content, encoding="utf-8")
        assert golden.read_text(encoding="utf-8") == content, f"{golden.name} differs; see make snapshots"
