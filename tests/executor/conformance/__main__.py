"""Runs graphql-core's own execution tests with an executor: ``python tests/executor/conformance [module:class]``.

The tests come with graphql-core's source distribution of the very version that is installed, checked against the hash
in requirements.txt and kept in .conformance. They run twice. First with graphql-core's plain ``Executor``: what it
passes is in scope, what it does not (incremental delivery) is not. Then, of those, each test that built an executor
runs with ours. A test that fails must be listed with its reason in differences.toml, and a test that is listed there
must fail.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[2]
DOWNLOADED = PROJECT / ".conformance"
DIFFERENCES = HERE / "differences.toml"
PLAIN = "graphql.execution:Executor"
OURS = "resolvers.executor:BreadthFirstExecutor"
SUITES = ("tests/execution", "tests/type", "tests/utilities", "tests/test_*.py")
INCREMENTAL = "tests/execution/incremental"  # tests of other executors
SUITE_SECONDS = 900


def sources() -> Path:
    """The unpacked source distribution of the installed graphql-core; downloaded when it is not here yet."""
    name = f"graphql-core=={version('graphql-core')}"
    found = DOWNLOADED / name
    if not found.is_dir():
        DOWNLOADED.mkdir(exist_ok=True)
        lock = (PROJECT / "requirements.txt").read_text()
        locked = re.search(rf"^{re.escape(name)} (?:\\\n +--hash=\S+ ?)+", lock, re.MULTILINE)
        if locked is None:
            sys.exit(f"{name} is installed, but requirements.txt does not lock it: make setup, or make lock.")
        requirement = DOWNLOADED / "requirements.txt"
        requirement.write_text(locked[0] + "\n")
        options = ["--no-deps", "--no-binary", "graphql-core", "--require-hashes", "--dest", DOWNLOADED]
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", *options, "-r", requirement], check=True)
        [archive] = DOWNLOADED.glob(f"graphql_core-{version('graphql-core')}.tar.gz")
        with tarfile.open(archive) as tar:
            tar.extractall(DOWNLOADED / "unpacking", filter="data")
        [unpacked] = (DOWNLOADED / "unpacking").iterdir()
        unpacked.rename(found)
    if not (found / "tests" / "execution").is_dir():
        sys.exit(f"The source distribution {name} does not contain tests/execution.")
    return found


def run(source: Path, executor: str, only: list[str] | None = None) -> dict[str, dict[str, Any]]:
    """How each test goes with an executor, by its id."""
    report, chosen = DOWNLOADED / "report.json", DOWNLOADED / "only.json"
    report.unlink(missing_ok=True)
    path = os.pathsep.join([str(HERE), str(PROJECT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    environment = {**os.environ, "EXECUTOR": executor, "REPORT": str(report), "PYTHONPATH": path}
    if only is not None:
        chosen.write_text(json.dumps(only))
        environment["ONLY"] = str(chosen)
    suites = [str(found.relative_to(source)) for suite in SUITES for found in sorted(source.glob(suite))]
    options = ["-p", "default_executor", "-p", "no:cacheprovider", "-o", "addopts=", "-q", "--tb=short"]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *options, f"--ignore={INCREMENTAL}", *suites],
        cwd=source,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SUITE_SECONDS,
        check=False,
    )
    found = json.loads(report.read_text()) if report.exists() else {"status": None}
    if found["status"] not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        sys.exit(f"{ended.stdout}\n{ended.stderr}\nThe tests did not run to their end with {executor}.")
    return found["outcomes"]


def main(executor: str) -> int:
    """Prints what was found; 1 where the executor conforms less, or more, than it is said to."""
    source = sources()
    differences = tomllib.loads(DIFFERENCES.read_text())
    plain = run(source, PLAIN)
    scope = [test for test, outcome in plain.items() if outcome["passed"] and outcome["executed"]]
    failing = [test for test, outcome in plain.items() if not outcome["passed"] and outcome["executed"]]
    ours = run(source, executor, scope)
    failed = [test for test in scope if not ours.get(test, {"passed": False})["passed"]]
    unused = [test for test in scope if test not in failed and not ours[test]["executed"]]
    surprising = [test for test in failed if test not in differences]
    rotten = [test for test in differences if test not in failed]
    for test in surprising:
        print(f"FAILED {test}\n{ours.get(test, {}).get('why', 'it was not run')}\n")
    for test in unused:
        print(f"NOT RUN WITH THE EXECUTOR {test}")
    for test in rotten:
        print(f"LISTED IN {DIFFERENCES.name}, BUT PASSES OR IS OUT OF SCOPE {test}")
    for test in failing:
        print(f"out of scope: {test}")
    print(
        f"graphql-core {version('graphql-core')}: {len(scope)} tests execute something and pass with {PLAIN};"
        f" {len(scope) - len(failed)} of them pass with {executor}, {len(failed) - len(surprising)} differ as listed,"
        f" {len(surprising)} fail. Out of scope are {len(failing)} that fail with {PLAIN} as well, and {INCREMENTAL}."
    )
    return bool(surprising or unused or rotten or not scope)


if __name__ == "__main__":
    sys.exit(main(*(sys.argv[1:] or [OURS])))
