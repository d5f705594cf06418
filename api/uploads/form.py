"""What is sent: a file as the body itself, or as a part of a form, told piece by piece as it arrives."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from api.errors import BadRequestError
from api.uploads.incoming import CLOSE

MULTIPART = "multipart/form-data"
LONGEST_NAME = 255
LONGEST_FIELD = 200
MOST_PARTS = 10
FILE, VEHICLE = "file", "vehicleId"


@dataclass(frozen=True)
class SentFile:
    """A file, what its sender says of it, and its pieces."""

    name: str
    declared: str
    vehicle_id: str | None
    pieces: AsyncIterator[bytes]


async def sent_file(request: Request) -> SentFile:
    """The file of a request. Raises BadRequestError where there is none."""
    header = request.headers.get("content-type", "")
    vehicle_id = request.query_params.get(VEHICLE)
    kind, options = parse_options_header(header)
    if kind.decode("latin-1") != MULTIPART:
        name = unquote(request.headers.get("x-file-name", ""))
        return SentFile(safe_name(name), header, vehicle_id, request.stream())
    boundary = options.get(b"boundary")
    if not boundary:
        raise malformed("The form has no boundary.")
    form = _Form(request.stream(), boundary)
    part = await form.file()
    named = form.fields.get(VEHICLE, vehicle_id)
    return SentFile(safe_name(part.file_name), part.content_type, named, form.pieces())


def safe_name(name: str) -> str:
    """The last part of a name, without what could mislead: for people to read, never a path here."""
    last = name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(letter for letter in last if letter.isprintable()).strip(" .")
    return shown[-LONGEST_NAME:] or "file"


def malformed(message: str) -> BadRequestError:
    """The refusal of a form that is none."""
    return BadRequestError("BAD_REQUEST", message, headers=CLOSE)


@dataclass
class _Part:
    """A part of a form, as far as its headers say."""

    headers: dict[str, bytearray] = field(default_factory=dict)
    name: str = ""
    file_name: str = ""
    content_type: str = ""

    def read_headers(self) -> None:
        """Takes what the headers say."""
        _, options = parse_options_header(bytes(self.headers.get("content-disposition", b"")))
        self.name = options.get(b"name", b"").decode(errors="replace")
        self.file_name = options.get(b"filename", b"").decode(errors="replace")
        self.content_type = bytes(self.headers.get("content-type", b"")).decode("latin-1")


class _Form:
    """A form that is parsed as it arrives: small fields, then one file."""

    def __init__(self, stream: AsyncIterator[bytes], boundary: bytes) -> None:
        self.fields: dict[str, str] = {}
        self._stream = stream
        self._part = _Part()
        self._header = ""
        self._parts = 0
        self._value = bytearray()
        self._file: _Part | None = None
        self._file_ended = False
        self._ended = False
        self._pieces: deque[bytes] = deque()
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._header_field,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._headers_finished,
                    "on_part_data": self._data,
                    "on_part_end": self._end,
                    "on_end": self._finish,
                },
            )
        except FormParserError as error:
            raise malformed(f"The form cannot be read: {error}") from None

    async def file(self) -> _Part:
        """The file's part, once its headers are here."""
        while self._file is None:
            if not await self._read():
                raise malformed(f"The form has no file: a part named {FILE}.")
        return self._file

    async def pieces(self) -> AsyncIterator[bytes]:
        """The file's content, to the end of the form."""
        while True:
            while self._pieces:
                yield self._pieces.popleft()
            if not await self._read():
                break
        while self._pieces:
            yield self._pieces.popleft()
        if not (self._file_ended and self._ended):
            raise malformed("The form ends within the file.")

    async def _read(self) -> bool:
        """Reads on; whether there was more."""
        async for chunk in self._stream:
            if chunk:
                try:
                    self._parser.write(chunk)
                except FormParserError as error:
                    raise malformed(f"The form cannot be read: {error}") from None
                return True
        return False

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise malformed(f"A form has at most {MOST_PARTS} parts.")
        self._part, self._value = _Part(), bytearray()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end].decode("latin-1").lower()
        self._part.headers.setdefault(self._header, bytearray())

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._part.headers.setdefault(self._header, bytearray()).extend(data[start:end])

    def _header_end(self) -> None:
        self._header = ""

    def _headers_finished(self) -> None:
        self._part.read_headers()
        if self._part.name == FILE:
            if self._file is not None:
                raise malformed("A form has one file: send others by themselves.")
            self._file = self._part
        elif self._file is not None and self._part.name == VEHICLE:
            raise malformed(f"{VEHICLE} comes before the file, or in the query string.")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._part is self._file:
            self._pieces.append(bytes(data[start:end]))
            return
        self._value += data[start:end]
        if len(self._value) > LONGEST_FIELD:
            raise malformed(f"A field of the form has at most {LONGEST_FIELD} bytes.")

    def _end(self) -> None:
        if self._part is self._file:
            self._file_ended = True
        elif self._part.name == VEHICLE:
            self.fields[VEHICLE] = self._value.decode(errors="replace")

    def _finish(self) -> None:
        self._ended = True
