"""The lines of a file: decoded, counted in bytes, none of them longer than memory should hold."""

from __future__ import annotations

import codecs
from collections import deque
from pathlib import Path
from typing import BinaryIO

from sql.errors import ImportFileError

LONGEST_LINE = 1024 * 1024
PIECE = 1024 * 1024
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class LineTooLongError(Exception):
    """A line that is longer than any row."""


class Lines:
    """An iterator over the lines of a file, each with its end. ``taken`` are those since it was last cleared.

    ``position`` is how many bytes are read. A line beyond LONGEST_LINE is passed over as LineTooLongError.
    """

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file = file
        self._encoding = encoding
        self._again: deque[str] = deque()
        self.position = 0
        self.taken: list[str] = []
        self.has_bom = encoding == "utf-8" and file.read(3) == codecs.BOM_UTF8
        if self.has_bom:
            self.position = 3
        else:
            file.seek(0)

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        if self._again:
            line = self._again.popleft()
        else:
            raw = self._file.readline(LONGEST_LINE + 1)
            if not raw:
                raise StopIteration
            self.position += len(raw)
            if len(raw) > LONGEST_LINE:
                while raw and not raw.endswith(b"\n"):
                    raw = self._file.readline(PIECE)
                    self.position += len(raw)
                raise LineTooLongError
            line = raw.decode(self._encoding)
        self.taken.append(line)
        return line

    def peek(self) -> str:
        """The line that comes next."""
        line = next(self)
        self._again.appendleft(self.taken.pop())
        return line

    def give_back(self) -> str:
        """The first of the lines taken; the others will come again, as what they may be without it."""
        first, *others = self.taken
        self._again.extendleft(reversed(others))
        del self.taken[1:]
        return first


def require_text(path: Path, encoding: str) -> None:
    """Reads the whole file once. Raises ImportFileError where it is empty, or a byte of it is no character."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line, before, piece = 1, 0, b""
    try:
        with path.open("rb") as file:
            start = file.read(3)
            if start.startswith(UTF_16):
                raise ImportFileError([f"{path.name}: the file is UTF-16; save it as UTF-8"])
            if not start.removeprefix(codecs.BOM_UTF8) and not file.read(1):
                raise ImportFileError([f"{path.name}: the file is empty"])
            file.seek(0)
            while piece := file.read(PIECE):
                held = len(decoder.getstate()[0])
                decoder.decode(piece)
                newlines = piece.count(b"\n")
                line += newlines
                before = len(piece) - piece.rfind(b"\n") - 1 if newlines else before + len(piece)
            held, piece = len(decoder.getstate()[0]), b""
            decoder.decode(b"", final=True)
    except OSError as error:
        raise ImportFileError([f"{path}: cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        at = error.start - held  # in this piece; what was held back lies before it
        line += piece.count(b"\n", 0, max(at, 0))
        column = at - piece.rfind(b"\n", 0, at) if b"\n" in piece[: max(at, 0)] else before + at + 1
        advice = 'save the file as UTF-8, or say how it is coded in a map: encoding = "cp1252"'
        if encoding != "utf-8":
            advice = "say another encoding in the map"
        raise ImportFileError(
            [f"line {line}, byte {column}: 0x{error.object[error.start]:02X} is not {encoding.upper()}; {advice}"]
        ) from error
