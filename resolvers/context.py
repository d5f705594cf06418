"""What every resolver has at hand: the caller's session and the loaders of this request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from strawberry.types import Info as StrawberryInfo

from resolvers.loading import Loaders
from sql.session import Caller, Session


@dataclass(frozen=True, eq=False)
class Context:
    """One request: who asks, their transaction, and the loaders that batch over it."""

    session: Session
    loaders: Loaders
    max_page_size: int

    @classmethod
    def of(cls, session: Session, *, max_page_size: int) -> Context:
        """The context of a session."""
        return cls(session, Loaders(session), max_page_size)

    @property
    def caller(self) -> Caller:
        """The user and tenant that this request acts as."""
        return self.session.caller


Info: TypeAlias = StrawberryInfo[Context, None]
