"""A run: every measurement over the chosen subjects and questions, as one dictionary of results."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from benchmarks import answer, edge, growth, latency, machine, memory, node, throughput, write
from benchmarks.client import Connection
from benchmarks.database import database, settle
from benchmarks.query import QUERIES, Query
from benchmarks.subject import SUBJECTS, Server, Subject, running
from sql.embedded import Addresses

Report = Callable[[str], None]
Results = dict[str, Any]

UNDER_LOAD = {"point": (8, 64), "list": (8, 64), "events": (8, 64), "tree": (8, 64), "rollup": (8,)}
"""Questions and connections. Sixty-four rollups at once measure nothing but how long two cores take for them."""


@dataclass(frozen=True)
class Options:
    """What is measured, and how long."""

    subjects: Sequence[Subject] = SUBJECTS
    queries: Sequence[Query] = QUERIES
    measurements: frozenset[str] = frozenset({"latency", "throughput", "growth", "memory", "edge", "write"})
    plan: latency.Plan = field(default_factory=latency.Plan)
    growth_plan: latency.Plan = field(default_factory=lambda: latency.Plan(requests=60, seconds=6.0))
    series: Sequence[growth.Series] = growth.ALL
    memory_of: Sequence[str] = tuple(subject.name for subject in SUBJECTS)
    load_seconds: int = 4
    under_load: Mapping[str, Sequence[int]] = field(default_factory=lambda: UNDER_LOAD)

    @classmethod
    def quick(cls) -> dict[str, Any]:
        """What a quick run does otherwise: fewer requests; load, growth and memory in one example each."""
        short = latency.Plan(requests=40, seconds=0.6, warm_seconds=0.3, least=2, warm_least=2)
        return {
            "plan": short,
            "growth_plan": latency.Plan(requests=20, seconds=0.2, warm_seconds=0.1, least=2, warm_least=2),
            "series": (growth.VEHICLES,),
            "memory_of": growth.SUBJECTS,
            "load_seconds": 2,
            "under_load": {"list": (8,)},
        }

    @property
    def is_complete(self) -> bool:
        """Whether this is the run that documentation is made of."""
        return self == Options()


def run(options: Options, report: Report) -> Results:
    """Runs everything. Raises what a measurement raises; answers that differ end the run before anything is timed."""
    measured = options.measurements
    if "throughput" in measured:
        throughput.require()
    if any(subject.name == "postgraphile" for subject in options.subjects):
        report("Installing PostGraphile, unless it is there ...")
        node.install()
    with database(report) as addresses:
        results: Results = {
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "machine": machine.description(),
            "versions": machine.versions(addresses.owner),
            "subjects": {subject.name: subject.title for subject in options.subjects},
            "queries": {query.name: query.title for query in options.queries},
        }
        with ExitStack() as stack:
            report(f"Starting {', '.join(subject.name for subject in options.subjects)} ...")
            servers = [stack.enter_context(running(subject, addresses)) for subject in options.subjects]
            results["answers"] = _check(servers, options, report)
            if "latency" in measured:
                results["latency"] = _latency(servers, options, report)
            if "throughput" in measured:
                results["throughput"] = _throughput(servers, addresses, options, results["answers"], report)
            if "growth" in measured:
                results["growth"] = _growth(servers, options, report)
        if "edge" in measured:
            results["edge"] = edge.measure(addresses, options.plan, report)
        if "write" in measured:
            results["write"] = write.measure(addresses, options.plan, report)
        if "memory" in measured:
            results["memory"] = _memory(addresses, options, report)
    return results


def _check(servers: Sequence[Server], options: Options, report: Report) -> Results:
    """Asks every question of everybody once, and compares the answers; tells their rows and bytes."""
    found: Results = {}
    for query in options.queries:
        data: dict[str, Any] = {}
        sizes: dict[str, int] = {}
        for server in _asked(servers, query):
            with Connection(server.port) as connection:
                body = connection.ask(server.subject.request(query))
            sizes[server.subject.name] = len(body)
            data[server.subject.name] = answer.read(f"{query.name} of {server.subject.name}", body)
        answer.compare(query.name, data)
        found[query.name] = {"rows": answer.rows(next(iter(data.values()))), "bytes": sizes}
        report(f"  {query.name}: {len(data)} equal answers, {found[query.name]['rows']} rows")
    return found


def _alike(queries: Sequence[Query]) -> list[list[Query]]:
    """Questions of one document, which follow each other, together."""
    return [list(group) for _, group in groupby(queries, key=lambda query: query.document)]


def _latency(servers: Sequence[Server], options: Options, report: Report) -> Results:
    """A question and its variant by a viewer take turns as well, because they are compared."""
    found: Results = {}
    for queries in _alike(options.queries):
        targets = {
            (query.name, subject): target
            for query in queries
            for subject, target in _targets(_asked(servers, query), query).items()
        }
        for (name, subject), sample in latency.measure(targets, options.plan).items():
            found.setdefault(name, {})[subject] = sample.told()
        for query in queries:
            medians = {subject: sample["median"] for subject, sample in found[query.name].items()}
            report(f"  {query.name}: " + _line(medians, "ms"))
    return found


def _throughput(
    servers: Sequence[Server], addresses: Addresses, options: Options, answers: Results, report: Report
) -> Results:
    found: Results = {}
    for query in options.queries:
        for connections in options.under_load.get(query.name, ()):
            rates = {
                server.subject.name: throughput.measure(
                    server.port,
                    server.subject.request(query),
                    connections=connections,
                    seconds=options.load_seconds,
                    answer_bytes=answers[query.name]["bytes"][server.subject.name],
                    settle=lambda: settle(addresses.owner),
                )
                for server in _asked(servers, query)
            }
            found.setdefault(query.name, {})[str(connections)] = rates
            report(f"  {query.name}, {connections} connections: " + _line(rates, "a second"))
    return found


def _growth(servers: Sequence[Server], options: Options, report: Report) -> Results:
    ours = [server for server in servers if server.subject.name in growth.SUBJECTS]
    found: Results = {}
    for series in options.series if ours else ():
        sizes = {}
        for size, query in series.queries:
            samples = latency.measure(_targets(ours, query), options.growth_plan)
            sizes[str(size)] = {name: sample.median for name, sample in samples.items()}
            report(f"  {query.name}: " + _line(sizes[str(size)], "ms"))
        found[series.name] = {
            "title": series.title,
            "unit": series.unit,
            "reference": series.reference,
            "medians": sizes,
        }
    return found


def _memory(addresses: Addresses, options: Options, report: Report) -> Results:
    (_, small), *_, (_, large) = growth.VEHICLES.queries
    found: Results = {}
    for subject in (subject for subject in options.subjects if subject.name in options.memory_of):
        with running(subject, addresses) as server:
            found[subject.name] = memory.measure(server, small, large)
        report(f"  memory of {subject.name}: " + _line(found[subject.name], "MB"))
    return found


def _asked(servers: Sequence[Server], query: Query) -> list[Server]:
    """Whom a question is for: one that names a document of somebody's own is for those, and for the gateway."""
    names = {"gateway", "sql", *query.documents} if query.documents else {server.subject.name for server in servers}
    return [server for server in servers if server.subject.name in names]


def _targets(servers: Sequence[Server], query: Query) -> dict[str, latency.Target]:
    return {server.subject.name: latency.Target(server.port, server.subject.request(query)) for server in servers}


def _line(numbers: Mapping[str, float], unit: str) -> str:
    return ", ".join(f"{name} {number:.1f}" for name, number in numbers.items()) + f" {unit}"
