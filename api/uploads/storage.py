"""Storage: where the content of uploads is, by a key of the tenant's id and the content's SHA-256."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

CHUNK_BYTES = 262_144


class StorageError(Exception):
    """The storage does not answer, or refuses."""


class Storage(Protocol):
    """What keeps files. Every method may raise StorageError, or OSError where the disk does."""

    async def put(self, key: str, file: Path) -> None:
        """Keeps the content of a file, all of it or nothing; the file is not needed any more."""

    async def get(self, key: str) -> AsyncIterator[bytes] | None:
        """The content, piece by piece; None where there is none."""

    async def delete(self, key: str) -> None:
        """Removes the content, if there is any."""

    async def exists(self, key: str) -> bool:
        """Whether there is content."""

    def list(self) -> AsyncIterator[str]:
        """Every key."""


def key_of(tenant_id: str, sha256: str) -> str:
    """The key of a tenant's content."""
    return f"{tenant_id}/{sha256[:2]}/{sha256}"


class LocalFolder:
    """A folder on this machine, or one that several share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, key: str, file: Path) -> None:
        """Moves the file to its place, which takes no time and cannot be half done."""
        await asyncio.to_thread(self._put, self._path(key), file)

    @staticmethod
    def _put(path: Path, file: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    async def get(self, key: str) -> AsyncIterator[bytes] | None:
        """The file, read in a thread."""
        try:
            file = await asyncio.to_thread(self._path(key).open, "rb")
        except FileNotFoundError:
            return None

        async def pieces() -> AsyncIterator[bytes]:
            with file:
                while piece := await asyncio.to_thread(file.read, CHUNK_BYTES):
                    yield piece

        return pieces()

    async def delete(self, key: str) -> None:
        """Removes the file, and leaves its folders."""
        with suppress(FileNotFoundError):
            await asyncio.to_thread(self._path(key).unlink)

    async def exists(self, key: str) -> bool:
        """Whether the file is there."""
        return await asyncio.to_thread(self._path(key).is_file)

    async def list(self) -> AsyncIterator[str]:
        """The files below the folder, but for those that are being received."""
        for tenant in await asyncio.to_thread(_found, self._folder, "*-*-*-*-*"):
            for path in await asyncio.to_thread(_found, tenant, "??/*"):
                yield path.relative_to(self._folder).as_posix()

    def _path(self, key: str) -> Path:
        path = self._folder / key
        if not path.resolve().is_relative_to(self._folder.resolve()):
            raise StorageError("a key leads out of the folder")
        return path


def _found(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.glob(pattern))
