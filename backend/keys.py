"""The keys that sign tokens: made, published as a JWK Set (RFC 7517), rotated and retired; named by `kid`."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn, Protocol

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jose import jwk
from jose.backends.base import Key

from backend.errors import KeyFixed

KEY_SET_KEPT: Final = timedelta(minutes=5)
"""How long other apps may cache the published keys."""
PUBLISHED_BEFORE_SIGNING: Final = KEY_SET_KEPT + timedelta(minutes=1)
"""How long a new key is published before it signs: no app with a cached key set meets a key it does not know.

The minute is for all processes to see the file, also on a network file system that caches directories.
"""


@dataclass(frozen=True)
class SigningKey:
    """One key: its private half, its public half, and the JWK that is published."""

    kid: str
    algorithm: str
    private: Key = field(compare=False, repr=False)
    public: Key = field(compare=False, repr=False)
    signs_from: datetime
    """When it begins to sign; its tokens are accepted before that, too."""
    public_jwk: Mapping[str, Any] | None
    """The public half for the JWK Set; None for a shared secret, which has none."""


@dataclass(frozen=True)
class KeyRing:
    """All keys whose tokens are accepted, ordered by when they begin to sign; never empty."""

    keys: tuple[SigningKey, ...]

    def active(self, now: datetime) -> SigningKey:
        """Return the key that signs: the last one to have begun, or the oldest where none has."""
        return next((key for key in reversed(self.keys) if key.signs_from <= now), self.keys[0])

    def find(self, kid: str) -> SigningKey | None:
        """Return the key of this name, if it is one of ours."""
        return next((key for key in self.keys if key.kid == kid), None)

    def jwks(self) -> dict[str, list[Mapping[str, Any]]]:
        """Return the public keys as RFC 7517 wants them."""
        return {"keys": [key.public_jwk for key in self.keys if key.public_jwk]}


class Keys(Protocol):
    """Where the ring comes from, and how it changes while the service runs."""

    def ring(self) -> KeyRing:
        """Return the present ring; cheap."""
        ...

    def look(self) -> bool:
        """Load what other processes changed; tell whether the ring changed."""
        ...

    def rotate(self, now: datetime, *, at_once: bool = False) -> SigningKey:
        """Make the key that signs next."""
        ...

    def retire(self, kid: str, now: datetime) -> None:
        """Stop accepting a key."""
        ...


@dataclass(frozen=True)
class FixedKeys:
    """A key ring from the settings: it changes only at a start."""

    fixed: KeyRing

    def ring(self) -> KeyRing:
        """Return the ring."""
        return self.fixed

    def look(self) -> bool:
        """Return False: it never changes."""
        return False

    def rotate(self, now: datetime, *, at_once: bool = False) -> NoReturn:  # noqa: ARG002  # as `Keys` has it
        """Refuse.

        Raises:
            KeyFixed: always.
        """
        raise KeyFixed

    def retire(self, kid: str, now: datetime) -> NoReturn:  # noqa: ARG002  # as `Keys` has it
        """Refuse.

        Raises:
            KeyFixed: always.
        """
        raise KeyFixed


def shared_secret(secret: str) -> KeyRing:
    """Build a ring of one HS256 key from a secret of 32 bytes or more (RFC 7518 §3.2)."""
    key = jwk.construct(secret, "HS256")
    kid = f"hs256-{hashlib.sha256(b'kid:' + secret.encode()).hexdigest()[:16]}"
    return KeyRing((SigningKey(kid, "HS256", key, key, datetime.fromtimestamp(0, UTC), None),))


def generate() -> bytes:
    """Make a private key for ES256, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def parse(pem: bytes, signs_from: datetime) -> SigningKey:
    """Read a private key in PEM; anything else raises the library's own exception."""
    private = jwk.construct(pem.decode(), "ES256")
    public = private.public_key()
    parameters = public.to_dict()
    kid = _thumbprint(parameters)
    return SigningKey(kid, "ES256", private, public, signs_from, {**parameters, "kid": kid, "use": "sig"})


def _thumbprint(parameters: Mapping[str, Any]) -> str:
    """Name a key by its content (RFC 7638 §3)."""
    required = {name: parameters[name] for name in ("crv", "kty", "x", "y")}
    canonical = json.dumps(required, separators=(",", ":"), sort_keys=True).encode()
    return base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()
