"""The keys that an issuer publishes: fetched, kept, fetched again; and one key that is set instead."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
import orjson

from api.errors import UnavailableError
from api.issuer import LOOPBACK, Issuer, may_be_asked
from api.keys import KeySetError, TrustedKey, keys_of_jwks

log = logging.getLogger("motomind")

FETCH_SECONDS = 5.0  # for all of it, however slowly it arrives
REFETCH_SECONDS = 10.0  # an unknown kid has the keys fetched again, but whoever makes kids up cannot hammer the issuer
RETRY_SECONDS = 10.0
MAX_BYTES = 256 * 1024


class Keys(Protocol):
    """The keys of one issuer."""

    async def candidates(self, kid: str | None, algorithm: str) -> list[TrustedKey]:
        """The keys that a token with this header may be signed with."""

    def trusts(self, key: TrustedKey) -> bool:
        """Whether a key is one of them, still."""


@dataclass(frozen=True)
class PinnedKey:
    """One key that is set: whatever a token calls its key, it is checked with this one."""

    key: TrustedKey

    async def candidates(self, kid: str | None, algorithm: str) -> list[TrustedKey]:  # noqa: ARG002
        """The one key, if it is for the algorithm."""
        return [self.key] if self.key.fits(algorithm) else []

    def trusts(self, key: TrustedKey) -> bool:
        """Whether it is this one."""
        return key == self.key


class PublishedKeys:
    """Keys from an issuer's JSON Web Key Set.

    They are looked at again every ``refresh_seconds``, and once when a token names a key that is not among them: so a
    new key counts at once. What is gone from the set counts no longer. While the issuer does not answer, or answers
    nonsense, the last good set is kept.
    """

    def __init__(self, issuer: Issuer, http: httpx.AsyncClient) -> None:
        self._issuer = issuer
        self._http = http
        self._keys: frozenset[TrustedKey] | None = None  # None: there has been no good answer yet
        self._answers = True  # so that an issuer that is down is told once, not at every attempt
        self._refetched_at = -REFETCH_SECONDS
        self._fetching: asyncio.Task[None] | None = None
        self._keeping: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to fetch, and to keep the keys current, without waiting for them."""
        self._begin()
        self._keeping = asyncio.get_running_loop().create_task(self._keep())

    async def stop(self) -> None:
        """Ends what runs in the background."""
        running = [task for task in (self._keeping, self._fetching) if task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def trusts(self, key: TrustedKey) -> bool:
        """Whether a key is in the set as it was last seen."""
        return self._keys is not None and key in self._keys

    async def candidates(self, kid: str | None, algorithm: str) -> list[TrustedKey]:
        """The keys of a name, or without a name the only one there is, that are for the algorithm.

        Raises UnavailableError where no keys have arrived yet.
        """
        if not self._named(kid):
            await self._look_again(kid)
        if self._keys is None:
            raise UnavailableError(
                "ISSUER_UNAVAILABLE",
                "The issuer of the token does not answer, so the token cannot be checked. Try again in a moment.",
                retry_after=round(RETRY_SECONDS),
            )
        fitting = [key for key in self._named(kid) if key.fits(algorithm)]
        return fitting if kid is not None or len(fitting) == 1 else []

    def _named(self, kid: str | None) -> list[TrustedKey]:
        return [key for key in self._keys or () if kid is None or key.kid == kid]

    async def _look_again(self, kid: str | None) -> None:
        """Waits for a fetch that runs; begins one, unless there was one of this kind a moment ago."""
        if self._fetching is not None:
            await asyncio.wait({self._fetching})
        if self._keys is None or self._named(kid):
            return
        now = time.monotonic()
        if self._fetching is None and now - self._refetched_at >= REFETCH_SECONDS:
            self._refetched_at = now
            self._begin()
        if self._fetching is not None:
            await asyncio.wait({self._fetching})

    def _begin(self) -> asyncio.Task[None]:
        """The fetch that runs, or a new one."""
        if self._fetching is None:
            self._fetching = asyncio.get_running_loop().create_task(self._fetch())
            self._fetching.add_done_callback(self._ended)
        return self._fetching

    def _ended(self, _: asyncio.Task[None]) -> None:
        self._fetching = None

    async def _keep(self) -> None:
        while True:
            await asyncio.wait({self._begin()})
            await asyncio.sleep(self._issuer.refresh_seconds if self._answers else RETRY_SECONDS)

    async def _fetch(self) -> None:
        name = self._issuer.issuer
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                document = await self._get(self._issuer.jwks_url or await self._discover())
            keys = keys_of_jwks(document, self._issuer.algorithms)
        except Exception as error:  # noqa: BLE001 - whatever it is: there are no new keys, and the gateway goes on
            if self._answers:
                kept = "no tokens of it can be taken yet" if self._keys is None else "the last ones are kept"
                log.warning("the keys of issuer %s cannot be fetched, %s: %r", name, kept, error)
            self._answers = False
            return
        if not keys and keys != self._keys:
            log.warning("issuer %s publishes no key for %s", name, ", ".join(self._issuer.algorithms))
        elif keys and (not self._answers or not self._keys):
            log.info("issuer %s: %d key(s)", name, len(keys))
        self._keys, self._answers = keys, True

    async def _discover(self) -> str:
        """The address of the keys, by OpenID Connect Discovery 1.0 (section 4)."""
        name = self._issuer.issuer
        found: Any = orjson.loads(await self._get(f"{name.rstrip('/')}/.well-known/openid-configuration"))
        if not isinstance(found, dict) or found.get("issuer") != name:
            raise KeySetError("the discovery document is of another issuer")
        address = found.get("jwks_uri")
        if not isinstance(address, str) or not may_be_asked(address):
            raise KeySetError("the discovery document names no https:// address of keys")
        if name.startswith("https://") and not address.startswith("https://"):
            raise KeySetError("the discovery document names an address of keys that is not https://")
        return address

    async def _get(self, url: str) -> bytes:
        """What is at an address: no redirect is followed, nothing is decompressed, and there is an end to it."""
        body = bytearray()
        async with self._http.stream("GET", url) as response:
            if response.status_code != httpx.codes.OK:
                raise KeySetError(f"the answer's status is {response.status_code}")
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise KeySetError(f"the answer is larger than {MAX_BYTES} bytes")
        return bytes(body)


def http_client() -> httpx.AsyncClient:
    """A client to fetch keys with: by the environment's proxy and certificates, but straight to this machine."""
    return httpx.AsyncClient(
        headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        timeout=FETCH_SECONDS,
        follow_redirects=False,
        mounts={f"all://{f'[{host}]' if ':' in host else host}": None for host in LOOPBACK},
    )
