"""``motomind metrics``: the figures of vehicles by day, week and month."""

from __future__ import annotations

from typing import Annotated

import typer

from api.terminal import DataDir, console, database, progress_bar, settings_of

metrics = typer.Typer(
    help="Metrics of vehicles by day, week and month, as they follow from events.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@metrics.callback()
def _group() -> None:
    """Metrics of vehicles."""


@metrics.command("rebuild")
def rebuild(
    tenant: Annotated[
        str | None, typer.Option("--tenant", help="The tenant, by name; all, if not given.", show_default=False)
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Compute the metrics of every vehicle anew, and then the summaries and explanations.

    Never needed for what the gateway or an import wrote. Interrupted, it goes on where it was when it is begun again,
    or is completed by 'motomind worker'. Only rows that differ are written.
    """
    from sql import metrics as computed

    vehicles = tenants = 0
    failed = 0
    settings = settings_of(data_dir=data_dir)
    with database(settings, migrate=False, begin=False) as addresses, progress_bar() as progress:
        seen = None
        for at in computed.rebuild(addresses.owner, tenant, settings.phraser()):
            if at.name != seen:
                seen, before = at.name, 0
                tenants += 1
            vehicles += at.done - before
            before = at.done
            failed += len(at.failed)
            progress(f"Rebuilding {at.making} of {at.name}", at.done, at.of)
    if failed:
        console.print(
            f"{failed} vehicle(s) could not be computed; the log above says why. The others are done.", markup=False
        )
        raise typer.Exit(1)
    console.print(f"The metrics of {vehicles:,} vehicle(s) of {tenants:,} tenant(s) are what their events say.")
