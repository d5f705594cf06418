"""Everything in a database, as a backup has it."""

from __future__ import annotations

import subprocess

from sql.embedded import Addresses, binaries


def dump(addresses: Addresses) -> str:
    """What pg_dump writes."""
    return subprocess.run(  # noqa: S603 - our own binary and arguments
        [str(binaries() / "pg_dump"), "--enable-row-security", addresses.owner],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
