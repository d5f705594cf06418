"""An issuer of tokens on loopback: its key set can be rotated, withheld, replaced by nonsense; it counts who asks."""

from __future__ import annotations

import asyncio
import ssl
import time
from contextlib import suppress
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

RSA_KEYS = [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(3)]
DISCOVERY = "/.well-known/openid-configuration"
JWKS = "/keys"
AUDIENCE = "fleet"


def jwk(key: Any, kid: str | None = "one", **members: Any) -> dict[str, Any]:
    """A private key's public half, as a JSON Web Key for signatures."""
    if not hasattr(key, "public_bytes"):
        key = key.public_key()
    kinds = {rsa.RSAPublicKey: RSAAlgorithm, ec.EllipticCurvePublicKey: ECAlgorithm}
    kind = next((reader for type_, reader in kinds.items() if isinstance(key, type_)), OKPAlgorithm)
    entry = {"use": "sig", **kind.to_jwk(key, as_dict=True), "kid": kid, **members}
    return {name: value for name, value in entry.items() if name != "key_ops" and value is not None}


class IssuerServer:
    """The issuer: ``keys`` are what it signs with and publishes, ``answers`` what it says instead, by path."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.keys: dict[str, PrivateKeyTypes] = {"one": RSA_KEYS[0]}
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.headers = ""
        self.asked: list[str] = []
        self.open = asyncio.Event()  # closed, it takes questions and does not answer
        self.open.set()
        self.port = 0
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Its address, which is its name as well."""
        return f"http{'s' if self._tls else ''}://localhost:{self.port}"

    def settings(self, **changed: Any) -> dict[str, Any]:
        """How it is set in MOTOMIND_ISSUERS."""
        return {"issuer": self.url, "audience": AUDIENCE, "jwks_url": f"{self.url}{JWKS}", **changed}

    def token(self, kid: str | None = "one", key: Any = None, algorithm: str = "RS256", **claims: Any) -> str:
        """A token for an hour; claims that are None are left out."""
        now = int(time.time())
        claims = {"iss": self.url, "aud": AUDIENCE, "iat": now, "exp": now + 3600, **claims}
        given = {name: value for name, value in claims.items() if value is not None}
        headers = {} if kid is None else {"kid": kid}
        return jwt.encode(given, key or self.keys[kid or "one"], algorithm=algorithm, headers=headers)

    async def start(self) -> None:
        """Begins to listen: on the port that it had, if it had one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listens no more, and hangs up."""
        if self._server is not None:
            self._server.close()
            for talk in self._talks:
                talk.cancel()
            await asyncio.gather(*self._talks, return_exceptions=True)
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None
        self._talks.add(talk)
        try:
            path = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1].decode()
            self.asked.append(path)
            await self.open.wait()
            status, body = self.answers.get(path, (200, self._document(path)))
            head = f"HTTP/1.1 {status} -\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{self.headers}\r\n"
            writer.write(head.encode())
            writer.write(body)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._talks.discard(talk)
            writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    def _document(self, path: str) -> bytes:
        if path == DISCOVERY:
            return orjson.dumps({"issuer": self.url, "jwks_uri": f"{self.url}{JWKS}"})
        return orjson.dumps({"keys": [jwk(key, kid) for kid, key in self.keys.items()]})
