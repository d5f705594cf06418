"""What every resolver has at hand: the caller's session and the loaders of this request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from strawberry.types import Info as StrawberryInfo

from resolvers.executor.written import Ahead
from resolvers.loading import Loaders
from resolvers.upload_url import UrlSigner
from sql.session import Session


@dataclass(frozen=True, eq=False)
class Context:
    """One request: who asks, their transaction, and the loaders that batch over it."""

    session: Session
    loaders: Loaders
    max_page_size: int
    signer: UrlSigner

    @classmethod
    def of(cls, session: Session, *, names: frozenset[str], max_page_size: int, signer: UrlSigner) -> Context:
        """The context of a session, for a document with fields of these names."""
        return cls(session, Loaders(session, names), max_page_size, signer)

    @property
    def tenant_id(self) -> str:
        """The tenant that this request acts in, as rows have it."""
        return str(self.session.caller.tenant_id)

    @property
    def user_id(self) -> str:
        """The user that this request acts as, as rows have it."""
        return str(self.session.caller.user_id)


Info: TypeAlias = StrawberryInfo[Context, None]


@dataclass
class LevelInfo(StrawberryInfo[Context, None]):
    """What a level resolver has besides, where the executor lets it look ahead."""

    ahead: Ahead | None = None
