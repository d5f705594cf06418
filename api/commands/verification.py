"""``motomind verify``: whether the tables are what the event stream says."""

from __future__ import annotations

from typing import Annotated

import typer

from api.terminal import DataDir, console, database, progress_bar, settings_of


def verify(
    tenant: Annotated[
        str | None, typer.Option("--tenant", help="The tenant to verify, by name; all, if not given.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Rebuild vehicles, fleet groups and memberships from the event stream and compare them with the tables.

    Changes nothing. Every difference is a line on standard output; exit status 1 where there are any.
    """
    from sql import verification

    found = tenants = 0
    with database(settings_of(data_dir=data_dir), migrate=False, begin=False) as addresses, progress_bar() as progress:
        for verified in verification.verify(addresses.owner, tenant):
            progress(f"Verifying {verified.name}", verified.number - 1, verified.of)
            tenants += 1
            for difference in verified.differences:
                found += 1
                typer.echo(f"{verified.name}, {difference.aggregate_type} {difference.aggregate_id}: {difference.told}")
            progress(f"Verifying {verified.name}", verified.number, verified.of)
    if found:
        console.print(f"{found:,} difference(s) between the event stream and the tables of {tenants} tenant(s).")
        raise typer.Exit(1)
    console.print(f"The tables of {tenants} tenant(s) are what the event stream says.")
