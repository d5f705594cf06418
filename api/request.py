"""Requests: what a client sent, read from its headers and its body or query string."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.requests import Request

from api.errors import BadRequestError
from api.settings import Settings

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
EVENT_STREAM = "text/event-stream"
LONGEST_ID = 200
KEYS = ("query", "operationName", "variables", "extensions", "documentId")
QUOTED = tuple(f'"{key}"'.encode() for key in KEYS)


@dataclass(frozen=True)
class GraphQLRequest:
    """One operation that is asked for: a document, by its text or by an id, an operation's name and variables.

    ``document_id`` is a trusted document's; ``sha256`` what ``extensions.persistedQuery`` names.
    """

    query: str | None
    operation_name: str | None = None
    variables: dict[str, Any] | None = None
    document_id: str | None = None
    sha256: str | None = None

    @classmethod
    def of(cls, parameters: object) -> GraphQLRequest:
        """What JSON or a query string asks for; keys that nobody knows are ignored, null is absent."""
        if not isinstance(parameters, dict):
            raise BadRequestError("BAD_REQUEST", "The body is a JSON object with the key query.")
        query = _of_type(parameters, "query", str, "a text")
        document_id = _of_type(parameters, "documentId", str, "a text")
        sha256 = _persisted(_of_type(parameters, "extensions", dict, "a JSON object") or {})
        if query is not None and not query.strip():
            query = None
        if query is None and document_id is None and sha256 is None:
            raise BadRequestError("BAD_REQUEST", "query is missing: the GraphQL document, as a text.")
        if document_id is not None and (query is not None or sha256 is not None):
            raise BadRequestError("CANNOT_SEND_PQ_ID_AND_BODY", "Send documentId, or a document; not both.")
        if not all(len(given) <= LONGEST_ID for given in (document_id, sha256) if given is not None):
            raise BadRequestError("BAD_REQUEST", f"An id of a document has at most {LONGEST_ID} characters.")
        return cls(
            query,
            _of_type(parameters, "operationName", str, "a text"),
            _of_type(parameters, "variables", dict, "a JSON object"),
            document_id,
            sha256,
        )


async def read(request: Request, settings: Settings) -> GraphQLRequest | list[GraphQLRequest | BadRequestError]:
    """What a request asks for: one operation, or where batches are let in a list of them.

    An entry of a batch that asks for nothing is what is wrong with it. Raises BadRequestError.
    """
    if request.method == "GET":
        return _by_get(request, settings)
    body = await json_body(request, most=settings.max_body_bytes, seconds=settings.body_timeout)
    asked = parsed(body)
    _refuse_keys_given_twice(body)
    if isinstance(asked, list) and asked and (settings.max_batch_size or all(isinstance(one, dict) for one in asked)):
        return _batch(asked, settings.max_batch_size)
    return GraphQLRequest.of(asked)


async def json_body(request: Request, *, most: int, seconds: float) -> bytearray:
    """A body that says it is JSON, of at most so many bytes, that arrives within some seconds. Raises BadRequestError.

    No form of a foreign page can send that content type.
    """
    _require_json(request.headers)
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > most:
        raise _too_large(most)
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    raise _too_large(most)
    except TimeoutError:
        message = f"The body did not arrive within {seconds:g} s."
        raise BadRequestError("BODY_TOO_SLOW", message, status=408, headers={"Connection": "close"}) from None
    return body


def _too_large(most: int) -> BadRequestError:
    return BadRequestError("BODY_TOO_LARGE", f"The body is larger than {most} bytes.", status=413)


def parsed(text: bytearray | str, what: str = "The body") -> Any:
    """What JSON holds. Raises BadRequestError that says ``what`` is none."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadRequestError("BAD_REQUEST", f"{what} is not JSON: {error}") from None


@lru_cache(maxsize=256)
def negotiate(accept: str) -> str:
    """The response's media type by Accept: what it prefers, the GraphQL one before JSON; JSON for ``*/*``.

    Raises BadRequestError where none of ours would do.
    """
    weights = weights_of(accept)
    anything = weights.get("application/*", weights.get("*/*", weights.get("", 0.0)))
    offered = {
        GRAPHQL_JSON: weights.get(GRAPHQL_JSON, 0.0),
        JSON: weights.get(JSON, anything),
        EVENT_STREAM: weights.get(EVENT_STREAM, 0.0),
    }
    best = max(offered, key=lambda media_type: offered[media_type])
    if offered[best] == 0.0:
        raise BadRequestError("NOT_ACCEPTABLE", f"Answers are {GRAPHQL_JSON}, {JSON} or {EVENT_STREAM}.", status=406)
    return best


def weights_of(accept: str) -> dict[str, float]:
    """The media ranges of an Accept header with their weights, 0 to 1."""
    weights: dict[str, float] = {}
    for part in accept.lower().split(","):
        media_range, *parameters = (piece.strip() for piece in part.split(";"))
        weights[media_range] = max(weights.get(media_range, 0.0), _weight(parameters))
    return weights


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0


def _by_get(request: Request, settings: Settings) -> GraphQLRequest:
    if len(request.url.query) > settings.max_url_bytes:
        raise BadRequestError("URI_TOO_LONG", "The query string is too long: send the request by POST.", status=414)
    given: dict[str, Any] = dict(request.query_params)
    _refuse_twice([key for key, _ in request.query_params.multi_items()])
    for key in ("variables", "extensions"):
        if key in given:
            given[key] = parsed(given[key], key) if given[key] else None
    given["operationName"] = given.get("operationName") or None  # an empty one is none, as the specification says
    return GraphQLRequest.of(given)


def _batch(asked: list[Any], most: int) -> list[GraphQLRequest | BadRequestError]:
    if most == 0:
        raise BadRequestError("BATCHING_DISABLED", "Batches are not taken here: send one operation at a time.")
    if len(asked) > most:
        raise BadRequestError("BATCH_TOO_LARGE", f"A batch has at most {most} operations.")
    return [_entry(one) for one in asked]


def _entry(asked: object) -> GraphQLRequest | BadRequestError:
    try:
        return GraphQLRequest.of(asked)
    except BadRequestError as error:
        return error


def _require_json(headers: Headers) -> None:
    kind, *parameters = (part.strip().lower() for part in headers.get("content-type", "").split(";"))
    charsets = [p.removeprefix("charset=").strip('"') for p in parameters if p.startswith("charset=")]
    if kind != JSON or any(charset not in {"utf-8", "utf8"} for charset in charsets):
        raise BadRequestError("UNSUPPORTED_MEDIA_TYPE", "Send the request as application/json, in UTF-8.", status=415)
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise BadRequestError("UNSUPPORTED_MEDIA_TYPE", "Send the request uncompressed.", status=415)


def _refuse_keys_given_twice(body: bytearray) -> None:
    """Refuses a request with a key of ours twice: whoever looked at it on the way may have read the other one.

    Few bodies have one of them twice in their bytes, or one in another spelling, so few are read a second time.
    """
    if b"\\u00" not in body and all(body.count(key) < 2 for key in QUOTED):  # noqa: PLR2004 - twice
        return
    try:
        asked = json.loads(body, object_pairs_hook=tuple, parse_int=str, parse_float=str)
    except RecursionError:
        raise BadRequestError("BAD_REQUEST", "The body is nested too deeply.") from None
    for one in asked if isinstance(asked, list) else [asked]:
        if isinstance(one, tuple):
            _refuse_twice([key for key, _ in one])


def _refuse_twice(keys: list[str]) -> None:
    counts = Counter(keys)
    if twice := [key for key in KEYS if counts[key] > 1]:
        raise BadRequestError("BAD_REQUEST", f"{twice[0]} is there twice: which one is meant is not clear.")


def _of_type(parameters: Mapping[str, Any], key: str, type_: type, said: str) -> Any:
    value = parameters.get(key)
    if value is not None and not isinstance(value, type_):
        raise BadRequestError("BAD_REQUEST", f"{key} is {said}.")
    return value


def _persisted(extensions: Mapping[str, Any]) -> str | None:
    """The hash in ``extensions.persistedQuery``."""
    persisted = _of_type(extensions, "persistedQuery", dict, "a JSON object")
    if persisted is None:
        return None
    if persisted.get("version") != 1:
        raise BadRequestError("PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported")
    sha256: str | None = _of_type(persisted, "sha256Hash", str, "a text")
    if not sha256:
        raise BadRequestError("BAD_REQUEST", "extensions.persistedQuery.sha256Hash is missing.")
    return sha256
