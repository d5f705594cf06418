"""Requests: what a client sent, read from its headers and its body or query string."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request

from api.errors import BadRequestError
from api.settings import Settings

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
LONGEST_ID = 200
NEVER = re.compile(r";\s*q=0(\.0*)?\s*$")


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


async def read(request: Request, settings: Settings) -> GraphQLRequest | list[GraphQLRequest]:
    """What a request asks for: one operation, or where batches are let in a list of them. Raises BadRequestError."""
    if request.method == "GET":
        if len(request.url.query) > settings.max_url_bytes:
            raise BadRequestError("URI_TOO_LONG", "The query string is too long: send the request by POST.", status=414)
        given: dict[str, Any] = dict(request.query_params)
        for key in ("variables", "extensions"):
            if key in given:
                given[key] = _json(given[key], key) if given[key] else None
        return GraphQLRequest.of(given)
    _require_json(request.headers.get("content-type", ""))
    asked = _json(await _body(request, settings.max_body_bytes), "The body")
    if not isinstance(asked, list) or not asked or not all(isinstance(one, dict) for one in asked):
        return GraphQLRequest.of(asked)
    if settings.max_batch_size == 0:
        raise BadRequestError("BATCHING_DISABLED", "Batches are not taken here: send one operation at a time.")
    if len(asked) > settings.max_batch_size:
        raise BadRequestError("BATCH_TOO_LARGE", f"A batch has at most {settings.max_batch_size} operations.")
    return [GraphQLRequest.of(one) for one in asked]


def negotiate(request: Request) -> str:
    """The response's media type by Accept: the GraphQL one where it is asked for, else JSON. Raises for neither."""
    accept = request.headers.get("accept", "*/*").lower()
    ranges = {part.partition(";")[0].strip() for part in accept.split(",") if not NEVER.search(part)}
    if GRAPHQL_JSON in ranges:
        return GRAPHQL_JSON
    if ranges & {JSON, "application/*", "*/*", ""}:
        return JSON
    raise BadRequestError("NOT_ACCEPTABLE", f"Answers are {GRAPHQL_JSON} or {JSON}.", status=406)


def _require_json(content_type: str) -> None:
    kind, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charsets = [p.removeprefix("charset=").strip('"') for p in parameters if p.startswith("charset=")]
    if kind != JSON or any(charset not in {"utf-8", "utf8"} for charset in charsets):
        raise BadRequestError("UNSUPPORTED_MEDIA_TYPE", "Send the request as application/json, in UTF-8.", status=415)


async def _body(request: Request, limit: int) -> bytes:
    too_large = BadRequestError("BODY_TOO_LARGE", f"The body is larger than {limit} bytes.", status=413)
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > limit:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise too_large
    return bytes(body)


def _json(text: bytes | str, what: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadRequestError("BAD_REQUEST", f"{what} is not JSON: {error}") from None


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
