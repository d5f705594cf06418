"""An issuer of tokens, as it is set: what it signs with, and which of its claims say who asks."""

from __future__ import annotations

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.keys import Algorithm, key_of_pem

LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Issuer(BaseModel):
    """One issuer of MOTOMIND_ISSUERS: it is believed whatever it says about whom a token is for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str = Field(min_length=1, description="The issuer, exactly as the claim `iss` of its tokens names it.")
    audience: str = Field(min_length=1, description="The audience (`aud`) that its tokens must name.")
    algorithms: tuple[Algorithm, ...] = Field(
        default=("RS256",), min_length=1, description="The algorithms that it signs with: asymmetric ones only."
    )
    jwks_url: str | None = Field(
        default=None,
        description="Where its keys are. With neither this nor public_key they are found by "
        "`ISSUER/.well-known/openid-configuration`.",
    )
    public_key: str | None = Field(default=None, description="Its one public key, as PEM text: nothing is fetched.")
    identify_by: Literal["user_id", "email"] = Field(
        default="user_id",
        description="`user_id`: a claim holds the person's id in MotoMind. `email`: the claim `email` holds their "
        "address, and `email_verified` is true.",
    )
    user_claim: str = Field(default="sub", min_length=1, description="The claim that holds the person's id.")
    tenant_claim: str | None = Field(
        default="tenant_id", description="The claim that binds a token to a tenant, where it is there; null: none does."
    )
    client_claim: str | None = Field(
        default=None, description="The claim that names the client. Unset: `azp`, or else `client_id`."
    )
    refresh_seconds: float = Field(
        default=300.0,
        gt=0,
        allow_inf_nan=False,
        description="Seconds between two looks at its keys: so long may a key that it withdrew still count.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.public_key is not None:
            if self.jwks_url is not None:
                raise ValueError("jwks_url and public_key exclude each other: set one, or neither for discovery")
            if (key := key_of_pem(self.public_key)) is None:
                raise ValueError("public_key is no public key of RSA, an elliptic curve or Ed25519, as PEM text")
            if wrong := [algorithm for algorithm in self.algorithms if not key.fits(algorithm)]:
                raise ValueError(f"public_key is no public key for {', '.join(wrong)}")
        elif self.jwks_url is not None:
            if not may_be_asked(self.jwks_url):
                raise ValueError("jwks_url starts with https:// (http:// is for this machine only, as 127.0.0.1)")
        elif not may_be_asked(self.issuer):
            raise ValueError(
                "issuer is no https:// address, where its keys could be found: set jwks_url or public_key as well"
            )
        return self


def may_be_asked(url: str) -> bool:
    """Whether keys are fetched from an address: by https, or from this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK))
