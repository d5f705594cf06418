"""Manifests: the documents of an app, as its build tool lists them.

Three forms are read: Apollo's (``{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [...]}``),
Relay's (``{id: text}``) and GraphQL Code Generator's (``{hash: text}``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from graphql import GraphQLError

from api.documents import PREFIX, hash_of
from api.request import LONGEST_ID
from resolvers.execution import Engine
from sql.clients import Listed
from sql.errors import ClientError

APOLLO = "apollo-persisted-query-manifest"
MOST_PROBLEMS = 20


def read(path: Path, engine: Engine) -> list[Listed]:
    """The documents of a manifest. Raises ClientError with all that is wrong, by operation."""
    try:
        content = orjson.loads(path.read_bytes())
    except OSError as error:
        raise ClientError(f"There is no file {path} to read: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        raise ClientError(f"{path} is not JSON: {error}") from error
    listed = [_listed(id_, text, engine) for id_, text in _entries(content, path)]
    if not listed:
        raise ClientError(f"{path} lists no documents.")
    ids = [document.document_id for document in listed]
    if twice := sorted({id_ for id_ in ids if ids.count(id_) > 1}):
        raise ClientError(f"{path} lists ids more than once: {', '.join(twice[:5])}")
    problems = [problem for document in listed for problem in refusals(document.document_id, document.text, engine)]
    if problems:
        more = [f"... and {len(problems) - MOST_PROBLEMS} more"] if len(problems) > MOST_PROBLEMS else []
        raise ClientError("\n  ".join([f"{path} cannot be published:", *problems[:MOST_PROBLEMS], *more]))
    return listed


def refusals(name: str, text: str, engine: Engine) -> list[str]:
    """What the schema says against a document, each with the document's name and where in it."""
    document = engine.document(text)
    problems = list(document.errors)
    if document.tree is not None:
        try:
            engine.resolve_operation(document, None)
        except GraphQLError as error:
            problems.append(error)
    operation = document.operation(None)
    said = operation.name.value if operation is not None and operation.name is not None else name
    return [f"{said}{_place(error)}: {error.message}" for error in problems]


def _place(error: GraphQLError) -> str:
    return f" (line {error.locations[0].line}, column {error.locations[0].column})" if error.locations else ""


def _entries(content: Any, path: Path) -> list[tuple[str, str]]:
    if not isinstance(content, dict):
        raise ClientError(f"{path} is no manifest: it is not a JSON object.")
    if content.get("format") == APOLLO:
        operations = content.get("operations")
        if content.get("version") != 1 or not isinstance(operations, list):
            raise ClientError(f"{path} is an Apollo manifest of another version than 1, or has no operations.")
        entries: list[tuple[Any, Any]] = [
            (o.get("id"), o.get("body")) if isinstance(o, dict) else (None, None) for o in operations
        ]
    else:
        entries = list(content.items())
    for id_, text in entries:
        if not isinstance(id_, str) or not isinstance(text, str) or not 1 <= len(id_) <= LONGEST_ID:
            raise ClientError(
                f"{path}: each document has an id of 1 to {LONGEST_ID} characters and a text; not {id_!r}."
            )
    return entries


def _listed(id_: str, text: str, engine: Engine) -> Listed:
    sha256 = hash_of(text)
    if id_.startswith(PREFIX) and id_ != PREFIX + sha256:
        raise ClientError(f"{id_} is not the SHA-256 of its text, which is {PREFIX}{sha256}")
    operation = engine.document(text).operation(None)
    name = operation.name.value if operation is not None and operation.name is not None else None
    return Listed(id_, text, sha256, name)
