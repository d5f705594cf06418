"""Keys: the public keys that tokens are checked with, and the algorithms that each of them is for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Literal

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey

SMALLEST_RSA_BITS, LARGEST_RSA_BITS = 2048, 8192  # below, it may be broken; above, each signature takes too long
ALGORITHM_OF_CURVE = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
READERS = {"RSA": RSAAlgorithm.from_jwk, "EC": ECAlgorithm.from_jwk, "OKP": OKPAlgorithm.from_jwk}
MOST_KEYS = 100


class KeySetError(Exception):
    """An issuer's answer is no set of keys."""


@dataclass(frozen=True)
class TrustedKey:
    """A public key of an issuer: equal to another of the same name, algorithm and material (SubjectPublicKeyInfo)."""

    kid: str | None
    algorithm: str | None
    material: bytes = field(repr=False)
    public: PublicKey = field(compare=False, repr=False)

    def fits(self, algorithm: str) -> bool:
        """Whether tokens signed with the algorithm are checked with this key: by its type and its own ``alg``."""
        if self.algorithm is not None and algorithm != self.algorithm:
            return False
        match self.public:
            case RSAPublicKey():
                good = SMALLEST_RSA_BITS <= self.public.key_size <= LARGEST_RSA_BITS
                return good and algorithm.startswith(("RS", "PS"))
            case EllipticCurvePublicKey():
                return ALGORITHM_OF_CURVE.get(self.public.curve.name) == algorithm
            case _:
                return algorithm == "EdDSA"


def key_of_pem(text: str) -> TrustedKey | None:
    """The public key in a PEM text; None where there is none, or of a type that no algorithm of ours takes."""
    try:
        return _trusted(load_pem_public_key(text.encode()), None, None)
    except Exception:  # noqa: BLE001 - whatever a library makes of garbage: it is no key
        return None


def keys_of_jwks(document: bytes, algorithms: Collection[str]) -> frozenset[TrustedKey]:
    """The keys of a JSON Web Key Set that sign with one of the algorithms.

    Keys that are for something else, or that cannot be read, are passed over, as RFC 7517 (section 5) wants it.
    Raises KeySetError for what is no key set.
    """
    try:
        entries = orjson.loads(document)["keys"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        entries = None
    if not isinstance(entries, list) or len(entries) > MOST_KEYS:
        raise KeySetError(f"the answer is no JSON Web Key Set of at most {MOST_KEYS} keys")
    keys = (_key_of_jwk(entry) for entry in entries if isinstance(entry, dict))
    return frozenset(key for key in keys if key is not None and any(map(key.fits, algorithms)))


def _key_of_jwk(entry: dict[str, Any]) -> TrustedKey | None:
    """The key of one entry; None for one that is not for checking signatures, is private, or cannot be read."""
    kid, algorithm, operations = entry.get("kid"), entry.get("alg"), entry.get("key_ops", ["verify"])
    reader = READERS.get(str(entry.get("kty")))
    signs = entry.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations
    named = isinstance(kid, str | None) and isinstance(algorithm, str | None)
    if reader is None or not signs or not named:
        return None
    try:
        return _trusted(reader(entry), kid, algorithm)  # a private key's type is none of ours
    except Exception:  # noqa: BLE001 - whatever a library makes of garbage: it is no key
        return None


def _trusted(public: Any, kid: str | None, algorithm: str | None) -> TrustedKey:
    if not isinstance(public, PublicKey):
        raise jwt.InvalidKeyError("no algorithm of ours takes such a key")
    material = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return TrustedKey(kid, algorithm, material, public)
