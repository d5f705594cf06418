"""The table of codes in docs/errors.md is the codes in the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CODE = re.compile(r"[A-Z]+(_[A-Z]+)*")


def modules() -> dict[Path, ast.Module]:
    """The syntax trees of the gateway's modules."""
    return {
        path: ast.parse(path.read_text(encoding="utf-8"))
        for folder in ("api", "resolvers", "sql")
        for path in sorted((ROOT / folder).rglob("*.py"))
    }


def constants(trees: dict[Path, ast.Module]) -> dict[str, str]:
    """The texts that modules have names for, by name."""
    return {
        target.id: statement.value.value
        for tree in trees.values()
        for statement in tree.body
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant)
        for target in statement.targets
        if isinstance(target, ast.Name) and isinstance(statement.value.value, str)
    }


def said(node: ast.expr) -> Iterator[ast.expr]:
    """The expressions that say a code: what an error is made with, and what extensions are made of."""
    match node:
        case ast.Call(func=ast.Name(id=name), args=[first, *_]) if name.endswith("Error") or name == "_check":
            yield first
        case ast.Call(func=ast.Attribute(attr="__init__"), args=[first, *_]):
            yield first
        case ast.Call(func=ast.Name(id="_coded"), args=[_, second]):
            yield second
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "code":
                    yield value


def codes_in_code() -> set[str]:
    """Every code that a caller may be told."""
    trees = modules()
    named = constants(trees)
    found: set[str] = set()
    for tree in trees.values():
        for node in ast.walk(tree):
            saying: list[ast.expr] = []
            match node:
                case ast.ClassDef(body=body):  # an error's class variable
                    saying += [
                        statement.value
                        for statement in body
                        if isinstance(statement, ast.Assign | ast.AnnAssign)
                        and statement.value is not None
                        and "code" in {n.id for n in ast.walk(statement) if isinstance(n, ast.Name)}
                    ]
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.Dict(values=values)) if name.endswith("_CODES"):
                    saying += values
                case ast.expr():
                    saying += said(node)
            for expression in saying:
                choices = (expression.body, expression.orelse) if isinstance(expression, ast.IfExp) else (expression,)
                for choice in choices:
                    text = named.get(choice.id) if isinstance(choice, ast.Name) else getattr(choice, "value", None)
                    if isinstance(text, str) and CODE.fullmatch(text):
                        found.add(text)
    return found


def codes_in_table() -> list[str]:
    """The codes in the table, in its order."""
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    return re.findall(r"(?m)^\| `([A-Z_]+)` \|", text)


def test_the_table_of_codes_is_complete_and_has_nothing_else():
    """Each code once."""
    table = codes_in_table()
    assert len(table) == len(set(table))
    code = codes_in_code()
    assert {"missing": sorted(code - set(table)), "gone": sorted(set(table) - code)} == {"missing": [], "gone": []}


def test_codes_are_found_however_they_are_said():
    """The search above sees each form: an error's argument, a class, a table, extensions, and a choice of two."""
    assert {
        "BODY_TOO_LARGE",
        "INVALID_CURSOR",
        "DATABASE_BUSY",
        "NESTED_TOO_DEEPLY",
        "BAD_VALUE",
        "BAD_USER_INPUT",
        "GRAPHQL_PARSE_FAILED",
    } <= codes_in_code()
