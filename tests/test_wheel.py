"""The wheel: it has the explorer where that is built, and is whole without it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = "api/explorer_files/index.html"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project as it is checked out: what git ignores is not there."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    project = tmp_path / "project"
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("tests/", "benchmarks/")):
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, project / name)
    return project


def wheel(project: Path) -> set[str]:
    """The names in a wheel that is built from the source distribution, as pip and build do it."""
    out = project.parent / "dist"
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(out)]
    subprocess.run([*command, "-t", "sdist"], cwd=project, check=True, capture_output=True)  # noqa: S603
    (archive,) = out.glob("*.tar.gz")
    shutil.unpack_archive(archive, out, filter="data")
    (unpacked,) = (path for path in out.iterdir() if path.is_dir())
    subprocess.run([*command, "-t", "wheel"], cwd=unpacked, check=True, capture_output=True)  # noqa: S603
    (built,) = out.glob("*.whl")
    with ZipFile(built) as file:
        return set(file.namelist())


def test_wheel_has_the_explorer_where_it_is_built(project: Path):
    """All its files, though git ignores them; and nothing of what they are built from."""
    (project / PAGE).parent.mkdir()
    (project / PAGE).write_text("<html></html>")
    (project / PAGE).with_name("assets").mkdir()
    (project / PAGE).with_name("assets").joinpath("index-abc.js").write_text("")
    names = wheel(project)
    assert {PAGE, "api/explorer_files/assets/index-abc.js", "sql/queries/vehicle.sql"} <= names
    assert [name for name in names if name.startswith(("explorer/", "node_modules/"))] == []


def test_wheel_without_the_explorer_is_whole(project: Path):
    """Where there is no Node."""
    names = wheel(project)
    assert {"api/explorer.py", "sql/queries/vehicle.sql", "resolvers/schema.py"} <= names
    assert [name for name in names if "explorer_files" in name] == []
