"""S3 and what speaks like it, by obstore: the object_store crate of the Arrow project."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from api.uploads.storage import CHUNK_BYTES, StorageError

if TYPE_CHECKING:
    from obstore.store import S3Store

MISSING = "Storage in S3 needs one package more: pip install 'motomind-gateway[s3]'"


class S3Bucket:
    """A bucket, or what is below a prefix of one."""

    def __init__(self, store: S3Store) -> None:
        self._store = store

    @classmethod
    def of(cls, url: str) -> S3Bucket:
        """The bucket of a URL like ``s3://bucket/prefix``; credentials, region and endpoint as AWS_... say.

        Raises ValueError where obstore is not installed, or the URL is none.
        """
        try:
            from obstore.exceptions import BaseError
            from obstore.store import S3Store
        except ImportError:
            raise ValueError(MISSING) from None
        try:
            return cls(S3Store.from_url(url))
        except BaseError as error:
            raise ValueError(f"{url} is no bucket: {error}") from None

    async def put(self, key: str, file: Path) -> None:
        """Sends the file, in parts where it is large; it appears when all of it is there."""
        import obstore

        try:
            with _told():
                await obstore.put_async(self._store, key, file)
        except FileNotFoundError:
            raise StorageError("there is no such bucket") from None
        await asyncio.to_thread(file.unlink)

    async def get(self, key: str) -> AsyncIterator[bytes] | None:
        """The object, as it arrives."""
        import obstore

        try:
            with _told():
                found = await obstore.get_async(self._store, key)
        except FileNotFoundError:
            return None

        async def pieces() -> AsyncIterator[bytes]:
            with _told():
                async for piece in found.stream(min_chunk_size=CHUNK_BYTES):
                    yield bytes(piece)

        return pieces()

    async def delete(self, key: str) -> None:
        """Removes the object."""
        import obstore

        with _told():
            await obstore.delete_async(self._store, key)

    async def exists(self, key: str) -> bool:
        """Whether the object is there."""
        import obstore

        try:
            with _told():
                await obstore.head_async(self._store, key)
        except FileNotFoundError:
            return False
        return True

    async def list(self) -> AsyncIterator[str]:
        """Every object of the bucket, or below the prefix."""
        import obstore

        with _told():
            async for batch in obstore.list(self._store):
                for found in batch:
                    yield found["path"]


@contextmanager
def _told() -> Iterator[None]:
    from obstore.exceptions import BaseError, NotFoundError

    try:
        yield
    except (NotFoundError, FileNotFoundError):
        raise FileNotFoundError from None
    except BaseError as error:
        raise StorageError(str(error)) from error
