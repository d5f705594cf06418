"""Server-sent events: an answer as a stream, in the distinct connections mode of the GraphQL over SSE protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from api.encoding import encode
from api.request import EVENT_STREAM, JSON
from api.response import PRIVATE, Answer

COMPLETE = b"event: complete\ndata: \n\n"
HTTP_OK = 200


def event_stream(answer: Answer) -> Response:
    """The answer as one ``next`` event and ``complete``.

    What was refused before GraphQL had a look is no stream: it has its own status and a JSON body, as ever.
    """
    if not answer.well_formed and answer.status != HTTP_OK:
        return answer.response(JSON)
    headers = {**PRIVATE, **answer.headers, "Content-Type": f"{EVENT_STREAM}; charset=utf-8", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(answer), headers=headers)


async def _events(answer: Answer) -> AsyncIterator[bytes]:
    yield b"event: next\ndata: "
    text = encode(answer.body)
    for piece in (text,) if isinstance(text, bytes) else text:
        # JSON has line breaks between its values only, and a column of the database may: an event ends at one.
        yield piece.replace(b"\n", b" ").replace(b"\r", b" ")
    yield b"\n\n"
    yield COMPLETE
