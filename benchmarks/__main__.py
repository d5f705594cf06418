"""The command: ``python -m benchmarks``, or ``make bench``."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any

from benchmarks import report
from benchmarks.answer import AnswersDifferError
from benchmarks.client import UnexpectedAnswerError
from benchmarks.database import DATA_DIR, ROOT
from benchmarks.query import QUERIES
from benchmarks.run import Options, run
from benchmarks.subject import SUBJECTS, SubjectError
from benchmarks.throughput import LoadFailedError, LoadGeneratorMissingError

MISTAKES = (AnswersDifferError, UnexpectedAnswerError, SubjectError, LoadFailedError, LoadGeneratorMissingError)
MEASUREMENTS = ("latency", "throughput", "growth", "memory", "edge", "write")


def main() -> int:
    """Measures, prints the ratios, and writes the results; a complete run also renews docs/performance.md."""
    asked = _arguments()
    options = _options(asked)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that servers and database are stopped on the way out
    began = time.monotonic()
    try:
        results = run(options, lambda line: print(f"{time.monotonic() - began:4.0f} s  {line}", flush=True))
    except MISTAKES as mistake:
        print(f"\nNothing was written. {mistake}", file=sys.stderr)
        return 1
    (DATA_DIR / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    report.show(results)
    if options.is_complete:
        report.write(results, ROOT / "docs")
        print("Wrote docs/performance.md and its plots.")
    print("Wrote .motomind-bench/results.json.")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer requests: rough ratios in under two minutes")
    parser.add_argument("--only", metavar="A,B", help=f"only these questions, of: {', '.join(q.name for q in QUERIES)}")
    parser.add_argument("--subjects", metavar="A,B", help=f"only these, of: {', '.join(s.name for s in SUBJECTS)}")
    parser.add_argument("--skip", metavar="A,B", help=f"without these measurements, of: {', '.join(MEASUREMENTS)}")
    return parser.parse_args()


def _options(asked: argparse.Namespace) -> Options:
    chosen: dict[str, Any] = Options.quick() if asked.quick else {}
    if asked.only:
        names = _names("question", asked.only, [query.name for query in QUERIES])
        chosen["queries"] = [query for query in QUERIES if query.name in names]
    if asked.subjects:
        names = _names("subject", asked.subjects, [subject.name for subject in SUBJECTS])
        chosen["subjects"] = [subject for subject in SUBJECTS if subject.name in names]
    if asked.skip:
        chosen["measurements"] = frozenset(MEASUREMENTS) - _names("measurement", asked.skip, MEASUREMENTS)
    return Options(**chosen)


def _names(kind: str, given: str, known: Sequence[str]) -> set[str]:
    names = {name.strip() for name in given.split(",")}
    if unknown := sorted(names - set(known)):
        sys.exit(f"There is no {kind} {', '.join(unknown)}; there is {', '.join(known)}.")
    return names


if __name__ == "__main__":
    sys.exit(main())
