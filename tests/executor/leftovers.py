"""What graphql-core's executor begins and does not await where null has propagated; ours is not to be blamed for it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

TURNS = 100

unawaited = pytest.mark.filterwarnings(
    *(
        f"ignore:coroutine '{name}:RuntimeWarning"
        for name in ("Executor", "GraphQLCoreConverter", "Faults", "default_type_resolver")
    )
)


@contextmanager
def swept() -> Iterator[None]:
    """Lets what is left be collected at the end, where the warning is ignored.

    Elsewhere it may happen in the constructor of a named tuple, which has no builtins, and warning fails.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.collect(0)  # made just now, all of it is young
        gc.enable()
