"""The edge: what it costs a person with a token, and a partner with a key, an id and a budget."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from hashlib import sha256
from typing import Any

import orjson
import psycopg

from api.credentials import digest_of, hint_of, new_key
from benchmarks import latency
from benchmarks.answer import compare, read
from benchmarks.client import Connection, request
from benchmarks.query import QUERIES
from benchmarks.subject import BARE, SUBJECTS, running
from sql import clients
from sql.embedded import Addresses

POINT = next(query for query in QUERIES if query.name == "point")
GATEWAY = next(subject for subject in SUBJECTS if subject.name == "gateway")
DOCUMENT = "point"


def measure(addresses: Addresses, plan: latency.Plan, report: Callable[[str], None]) -> dict[str, Any]:
    """Medians in ms of the point look-up: the bare endpoint, a person by text, a partner by id under a budget."""
    with ExitStack() as stack:
        bare, edge = (stack.enter_context(running(subject, addresses)) for subject in (BARE, GATEWAY))
        targets = {
            "bare": latency.Target(bare.port, BARE.request(POINT)),
            "person": latency.Target(edge.port, GATEWAY.request(POINT)),
            "partner": latency.Target(edge.port, _partner(addresses)),
        }
        answers = {}
        for name, target in targets.items():
            with Connection(target.port) as connection:
                answers[name] = read(f"point of {name}", connection.ask(target.request))
        compare("point", answers)
        samples = latency.measure(targets, plan)
    found = {name: sample.told() for name, sample in samples.items()}
    ratios = ", ".join(f"{name} {sample['median'] / found['bare']['median']:.2f}" for name, sample in found.items())
    report(f"  edge, of the bare endpoint's {found['bare']['median']:.2f} ms: {ratios}")
    return found


def _partner(addresses: Addresses) -> bytes:
    """The point look-up as a partner asks it: a client of this run's own, id only, in the tenant of the question."""
    key, name = new_key(), f"bench-{os.getpid()}"
    text = (GATEWAY.documents / "point.graphql").read_text(encoding="utf-8")
    with psycopg.connect(addresses.owner) as connection:
        row = connection.execute("select name from tenants where id = %s", [POINT.caller.tenant_id]).fetchone()
    assert row is not None
    clients.create(
        addresses.owner,
        name,
        tenant=row[0],
        mode="id_only",
        role="manager",
        grants=[],
        introspection=False,
        token_client=None,
        key=(digest_of(key), hint_of(key)),
    )
    listed = clients.Listed(DOCUMENT, text, sha256(text.encode()).hexdigest(), None)
    clients.publish(addresses.owner, name, [listed], tenant=row[0])
    body = orjson.dumps({"documentId": DOCUMENT, "variables": POINT.variables})
    headers = {"Content-Type": "application/json", "Accept": "application/json", "Authorization": f"Bearer {key}"}
    return request("/graphql", headers, body)
