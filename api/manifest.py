"""Manifests: the documents of an app, as its build tool lists them.

Three forms are read: Apollo's (``{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [...]}``),
Relay's (``{id: text}``) and GraphQL Code Generator's (``{hash: text}``).
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from graphql import GraphQLError, GraphQLSyntaxError, OperationDefinitionNode, parse

from api.documents import PREFIX, SHA256, hash_of
from api.request import LONGEST_ID
from resolvers.execution import Engine
from sql.clients import Listed
from sql.errors import ClientError

APOLLO = "apollo-persisted-query-manifest"
MOST_PROBLEMS = 20
MOST_TOKENS = 10_000  # of a text, to find its operation's name


def read(path: Path, engine: Engine) -> list[Listed]:
    """The documents of a manifest. Raises ClientError with all that is wrong, by operation."""
    try:
        # Every key of an object, so that an id that is there twice shows.
        content = json.loads(path.read_bytes(), object_pairs_hook=tuple)
    except OSError as error:
        raise ClientError(f"There is no file {path} to read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ClientError(f"{path} is not JSON: {error}") from error
    entries = _entries(content, path)
    if not entries:
        raise ClientError(f"{path} lists no documents.")
    if twice := sorted(id_ for id_, count in Counter(id_ for id_, _ in entries).items() if count > 1):
        raise ClientError(f"{path} lists ids more than once: {', '.join(twice[:5])}")
    problems = [problem for id_, text in entries for problem in [*_of_id(id_, text), *refusals(id_, text, engine)]]
    if problems:
        more = [f"... and {len(problems) - MOST_PROBLEMS} more"] if len(problems) > MOST_PROBLEMS else []
        raise ClientError("\n  ".join([f"{path} cannot be published:", *problems[:MOST_PROBLEMS], *more]))
    return [Listed(id_, text, hash_of(text), _operation_name(text)) for id_, text in entries]


def refusals(id_: str, text: str, engine: Engine) -> list[str]:
    """What the schema says against a document, each with the operation's name, or the id, and where in it."""
    document = engine.document(text)
    problems = list(document.errors)
    if document.tree is not None:
        try:
            engine.resolve_operation(document, None)
        except GraphQLError as error:
            problems.append(error)
    said = _operation_name(text) or id_
    return [f"{said}{_place(error)}: {error.message}" for error in problems]


def _place(error: GraphQLError) -> str:
    return f" (line {error.locations[0].line}, column {error.locations[0].column})" if error.locations else ""


def _entries(content: Any, path: Path) -> list[tuple[str, str]]:
    if not isinstance(content, tuple):
        raise ClientError(f"{path} is no manifest: it is not a JSON object.")
    given = dict(content)
    entries: list[tuple[Any, Any]] = list(content)
    if given.get("format") == APOLLO:
        operations = given.get("operations")
        if given.get("version") != 1 or not isinstance(operations, list):
            raise ClientError(f"{path} is an Apollo manifest of another version than 1, or has no operations.")
        described = [dict(operation) if isinstance(operation, tuple) else {} for operation in operations]
        entries = [(operation.get("id"), operation.get("body")) for operation in described]
    for id_, text in entries:
        if not isinstance(id_, str) or not isinstance(text, str) or not 1 <= len(id_) <= LONGEST_ID:
            raise ClientError(
                f"{path}: each document has an id of 1 to {LONGEST_ID} characters and a text; not {id_!r}."
            )
        if not id_.isprintable() or "\0" in text or not _is_unicode(text):
            raise ClientError(f"{path}: {id_!r} has characters that an id or a text cannot have.")
    return entries


def _is_unicode(text: str) -> bool:
    """Whether a text is without the halves of characters that JSON can write."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _of_id(id_: str, text: str) -> list[str]:
    """What is wrong with an id that looks like the SHA-256 of its text."""
    looks = id_.startswith(PREFIX) or SHA256.fullmatch(id_)
    if not looks or id_.removeprefix(PREFIX) == hash_of(text):
        return []
    return [f"{_operation_name(text) or 'a document'}: its id {id_} is not the SHA-256 of its text: {hash_of(text)}"]


def _operation_name(text: str) -> str | None:
    """The name of the only operation of a text, whether or not the text fits the schema."""
    try:
        definitions = parse(text, no_location=True, max_tokens=MOST_TOKENS).definitions
    except (GraphQLSyntaxError, RecursionError):
        return None
    names = [d.name.value for d in definitions if isinstance(d, OperationDefinitionNode) and d.name is not None]
    return names[0] if len(names) == 1 else None
