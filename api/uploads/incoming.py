"""A file that is being received: written, counted and hashed as it comes, gone where it is not kept."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from api.errors import BadRequestError, RequestRefusedError, UnavailableError
from api.uploads import content_type

FOLDER = "incoming"
WRITE_BYTES = 1_048_576
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
STALE_SECONDS = 3600


class Incoming:
    """The file so far. ``declared`` is the type that its sender says it has."""

    def __init__(self, file: IO[bytes], most: int, declared: str, allowed: frozenset[str]) -> None:
        self.path = Path(file.name)
        self.size = 0
        self.content_type = ""
        self._file = file
        self._most = most
        self._declared = declared
        self._allowed = allowed
        self._hash = hashlib.sha256()
        self._pending = bytearray()

    async def write(self, data: bytes) -> None:
        """Takes a piece. Raises BadRequestError as soon as it is too large, or not of a type that is taken."""
        self.size += len(data)
        if self.size > self._most:
            raise too_large(self._most)
        self._pending += data
        if not self.content_type and len(self._pending) >= content_type.HEAD_BYTES:
            self._recognize()
        if len(self._pending) >= WRITE_BYTES:
            await self._flush()

    async def finish(self) -> str:
        """Ends the file, safe on the disk; its SHA-256."""
        if self.size == 0:
            raise BadRequestError("BAD_REQUEST", "The file is empty.", headers=CLOSE)
        if not self.content_type:
            self._recognize()
        await self._flush()
        await asyncio.to_thread(os.fsync, self._file.fileno())
        return self._hash.hexdigest()

    def _recognize(self) -> None:
        head = bytes(self._pending[: content_type.HEAD_BYTES])
        found = content_type.found(head, self._declared)
        if found is None or found not in self._allowed:
            raise not_taken(self._allowed)
        if self._declared not in {found, content_type.UNKNOWN, ""}:
            message = f"The file is no {self._declared}: by its first bytes it is {found}."
            raise BadRequestError("CONTENT_TYPE_MISMATCH", message, status=415, headers=CLOSE)
        self.content_type = found

    async def _flush(self) -> None:
        data, self._pending = bytes(self._pending), bytearray()
        await asyncio.to_thread(self._take, data)

    def _take(self, data: bytes) -> None:
        self._hash.update(data)
        self._file.write(data)
        self._file.flush()


# What comes after a refusal is not read: the connection ends with the answer.
CLOSE = {"Connection": "close"}


def too_large(most: int) -> BadRequestError:
    """The refusal of a file over the limit."""
    return BadRequestError("BODY_TOO_LARGE", f"The file is larger than {most:,} bytes.", status=413, headers=CLOSE)


def not_taken(allowed: frozenset[str]) -> BadRequestError:
    """The refusal of a type that is not let in."""
    taken = ", ".join(sorted(allowed))
    return BadRequestError(
        "UNSUPPORTED_MEDIA_TYPE", f"Files are {taken}, by what is in them.", status=415, headers=CLOSE
    )


@asynccontextmanager
async def receiving(folder: Path, *, most: int, declared: str, allowed: frozenset[str]) -> AsyncIterator[Incoming]:
    """A file in a folder for what comes in; nothing of it is left unless it was moved. Raises RequestRefusedError."""
    if declared not in {"", content_type.UNKNOWN} and declared not in allowed:
        raise not_taken(allowed)
    path: Path | None = None
    try:
        await asyncio.to_thread(lambda: folder.mkdir(parents=True, exist_ok=True, mode=0o700))
        with NamedTemporaryFile(dir=folder, prefix="part-", delete=False) as file:
            path = Path(file.name)
            yield Incoming(file, most, declared, allowed)
    except OSError as error:
        raise refused_by_disk(error) from error
    finally:
        if path is not None:
            with suppress(FileNotFoundError):
                path.unlink()


def refused_by_disk(error: OSError) -> RequestRefusedError:
    """What the disk says, told to who uploads; raises it again where it is a mistake of ours."""
    if error.errno in FULL:
        return UnavailableError("STORAGE_FULL", "There is no room for the file now.", status=507, retry_after=60)
    raise error


def leftovers(folder: Path, clock: Callable[[], float] = time.time) -> Iterator[Path]:
    """What gateways that were killed left behind: files that nobody has written to for an hour."""
    for path in sorted(folder.glob("part-*")):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < clock() - STALE_SECONDS:
                yield path
