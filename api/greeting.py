"""What the command line says to a newcomer: who is there, and the commands to type next."""

from __future__ import annotations

import shlex
import sys

from api.settings import Settings

DEFAULT_DATA_DIR = Settings.model_fields["data_dir"].default
FIRST_QUERY = (
    "{ tenant { name rootGroups { name rollup { vehicleCount } children { name rollup { vehicleCount } } } } }"
)


def address(settings: Settings) -> str:
    """Where the graph is served."""
    return f"http://{settings.host}:{settings.port}/graphql"


def command(settings: Settings, *words: str) -> str:
    """A command as it is typed here, for the same data directory."""
    where = () if settings.data_dir == DEFAULT_DATA_DIR else ("--data-dir", str(settings.data_dir.resolve()))
    return shlex.join((sys.argv[0], *words, *where))


def first_steps(settings: Settings, *, demo: bool) -> str:
    """A token and a first query, in another terminal."""
    token = command(settings, "token", "owner@enterprise.example" if demo else "EMAIL")
    if settings.database_url is not None:
        token = f"DATABASE_URL=postgresql://owner:...@host/database {token}"
    return (
        f"A token, in another terminal:\n\n  TOKEN=$({token})\n\n"
        f'A first query:\n\n  curl -s {address(settings)} -H "Authorization: Bearer $TOKEN" \\\n'
        f"    -H 'Content-Type: application/json' "
        f'-d \'{{"query": "{FIRST_QUERY}"}}\'\n'
    )


def explorer(settings: Settings, *, is_built: bool) -> str:
    """Where a browser finds the explorer, or how to get it."""
    if is_built:
        return f"Or open {address(settings)} in a browser: the explorer, with example queries.\n"
    return (
        f"A browser sees the explorer at {address(settings)} once it is built:\n"
        "'make explorer' does that where Node is.\n"
    )


def after_demo(settings: Settings, *, generated: bool) -> str:
    """Some people of the demo, and how to go on as one of them."""
    people = [f"{role}@{'fleet-1' if generated else 'enterprise'}.example" for role in ("owner", "manager", "viewer")]
    return (
        f"The demo is loaded. Some of its people: {', '.join(people)}\n\n"
        f"To serve it, unless something does already:\n\n  {command(settings, 'serve')}\n\n"
        f"A token, in another terminal:\n\n  TOKEN=$({command(settings, 'token', people[0])})"
    )
