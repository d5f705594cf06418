"""Memory: what a server process holds at the most while it serves its largest answer."""

from __future__ import annotations

from benchmarks.client import Connection
from benchmarks.query import Query
from benchmarks.subject import Server

REPEATS = 5


def measure(server: Server, small: Query, large: Query) -> dict[str, float]:
    """MB of a fresh server: once warm, and at the peak of asking the large question again and again."""
    with Connection(server.port) as connection:
        connection.ask(server.subject.request(small))
        idle = server.memory()["now"]
        for _ in range(REPEATS):
            answer = connection.ask(server.subject.request(large))
        return {"idle": idle, "peak": server.memory()["peak"], "answer": len(answer) / 2**20}
