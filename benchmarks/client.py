"""An HTTP client that costs next to nothing: one connection kept alive, requests made beforehand."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Self

TIMEOUT_SECONDS = 120
CHUNK = 1 << 18


class UnexpectedAnswerError(Exception):
    """The server answered otherwise than with 200, or broke off."""


def request(path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """A POST as it goes over the wire."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def split(asked: bytes) -> tuple[str, list[tuple[str, str]], bytes]:
    """The path, the headers and the body of a request; without those headers that every client sets itself."""
    head, _, body = asked.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    return first.split(" ")[1], [header for header in headers if header[0] not in {"Host", "Content-Length"}], body


class Connection:
    """A connection to a server on this machine."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hangs up."""
        self._socket.close()

    def ask(self, asked: bytes) -> bytes:
        """The body of the answer. Raises UnexpectedAnswerError for any status but 200."""
        self._socket.sendall(asked)
        head = self._until(b"\r\n\r\n").decode("latin-1").lower()
        status = head.split(" ", 2)[1]
        fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        body = self._chunks() if "chunked" in fields.get("transfer-encoding", "") else self._exactly(
            int(fields.get("content-length", "0"))
        )  # fmt: skip
        if status != "200":
            raise UnexpectedAnswerError(f"status {status}: {body[:500].decode(errors='replace')}")
        return body

    def _chunks(self) -> bytes:
        parts = []
        while size := int(self._until(b"\r\n").partition(b";")[0], 16):
            parts.append(self._exactly(size))
            self._exactly(2)
        self._until(b"\r\n")
        return b"".join(parts)

    def _until(self, end: bytes) -> bytes:
        while (at := self._rest.find(end)) < 0:
            self._rest += self._receive()
        found, self._rest = self._rest[:at], self._rest[at + len(end) :]
        return found

    def _exactly(self, size: int) -> bytes:
        parts, have = [self._rest], len(self._rest)
        while have < size:
            parts.append(self._receive())
            have += len(parts[-1])
        whole = b"".join(parts)
        self._rest = whole[size:]
        return whole[:size]

    def _receive(self) -> bytes:
        data = self._socket.recv(CHUNK)
        if not data:
            raise UnexpectedAnswerError("the server closed the connection")
        return data
