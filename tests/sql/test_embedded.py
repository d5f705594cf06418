"""The embedded server: who uses it, and who stops it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sql import embedded

pytestmark = pytest.mark.database

KILLED = """
import os, pathlib, signal, sys
from sql import embedded
with embedded.server(pathlib.Path(sys.argv[1])):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif("TEST_SERVER_URL" in os.environ, reason="the server under test is not the embedded one")
def test_the_last_one_stops_the_server_though_another_was_killed(tmp_path: Path):
    """A process that can no longer leave does not count."""
    pid_file = tmp_path / "postgres" / "postmaster.pid"
    killed = subprocess.run([sys.executable, "-c", KILLED, tmp_path], check=False)  # noqa: S603
    assert killed.returncode == -signal.SIGKILL
    assert pid_file.exists()
    with embedded.server(tmp_path):
        assert pid_file.exists()
    assert not pid_file.exists()
