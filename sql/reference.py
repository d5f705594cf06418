"""References to objects of one's own, as settings have them: ``package.module:attribute``."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module


def at(reference: str, is_one: Callable[[object], bool]) -> object:
    """The object at a reference; a class or function there, unless it is one itself, is called for it.

    Raises ValueError, which says what is not there.
    """
    module, _, attribute = reference.partition(":")
    try:
        found = getattr(import_module(module), attribute)
        return found() if isinstance(found, type) or not is_one(found) else found
    except Exception as error:
        raise ValueError(f"{reference!r} is not there: {type(error).__name__}: {error}") from error
