"""Builds the explorer into api/explorer_files, where Node is present: ``python explorer/build.py [--background]``.

Does nothing where what is there is current. In the background it never fails: the gateway serves without an explorer.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FILES = HERE.parent / "api" / "explorer_files"
STAMP = FILES / ".sources"
OUT, OLD, LOCK, LOG = (HERE / ".build" / name for name in ("new", "old", "lock", "log"))
# An unreachable registry is told within a minute: npm alone would try for five.
INSTALL = ("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1", "--fetch-timeout=30000")
SOURCES = ("package.json", "package-lock.json", "vite.config.ts", "index.html", "src/**/*", "examples/*.graphql")
NODE = "Node 20.19, or 22.12 or later, with npm"


def say(text: str) -> None:
    """Tells a person, at once."""
    print(text, flush=True)


def fingerprint() -> str:
    """What the build depends on, as one number."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in SOURCES for path in HERE.glob(pattern) if path.is_file()):
        digest.update(f"{path.relative_to(HERE)} {path.stat().st_size}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def is_current() -> bool:
    """Whether the explorer is built from just these sources."""
    return STAMP.exists() and STAMP.read_text(encoding="utf-8") == fingerprint()


def has_node() -> bool:
    """Whether Node and npm are here, new enough for Vite."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return False
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    version = tuple(int(number) for number in re.findall(r"\d+", said)[:2])
    return (20, 19) <= version < (21, 0) or version >= (22, 12)


def run(*command: str, log: int) -> bool:
    """Runs a command of npm's in the explorer's folder; what it says goes into the log."""
    environment = {**os.environ, "EXPLORER_OUT": str(OUT), "NO_COLOR": "1"}
    done = subprocess.run(
        command, cwd=HERE, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False
    )
    return done.returncode == 0


def build() -> bool:
    """Installs what the lock lists, builds aside, and puts the result in place once it is whole."""
    LOCK.parent.mkdir(exist_ok=True)
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a second build waits, and then finds the first one's
        if is_current():
            return True
        sources = fingerprint()
        with LOG.open("w") as log:
            say("Building the explorer: installing its packages with npm (about 15 s) ...")
            if not run(*INSTALL, log=log.fileno()):
                return False
            say("Building the explorer: bundling (about 5 s) ...")
            if not run("npm", "run", "--silent", "build", log=log.fileno()):
                return False
        (OUT / STAMP.name).write_text(sources, encoding="utf-8")
        shutil.rmtree(OLD, ignore_errors=True)
        if FILES.exists():
            FILES.rename(OLD)
        OUT.rename(FILES)
        shutil.rmtree(OLD, ignore_errors=True)
        return True


def begin_in_background() -> None:
    """Begins a build beside what else is done; it ends with the terminal's other programs on Ctrl+C."""
    LOG.parent.mkdir(exist_ok=True)
    subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    say("Building the explorer in the background (once; about 20 s). Then a browser sees it at /graphql.")


def main() -> int:
    """One message about how it went, and an exit status for make."""
    background = "--background" in sys.argv[1:]
    if is_current():
        if not background:
            say("The explorer is current.")
        return 0
    if not has_node():
        say(f"The explorer is built with {NODE}, which is not here. Everything else works without it.")
        say("With Node, this builds it: make explorer")
        return 0 if background else 1
    if background:
        begin_in_background()
        return 0
    if build():
        say("The explorer is built: a browser sees it at /graphql.")
        return 0
    say(f"The explorer could not be built. What npm said is in {LOG}.")
    say("Everything else works without it. To try again: make explorer")
    return 1


if __name__ == "__main__":
    sys.exit(main())
