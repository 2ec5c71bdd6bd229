"""The keys that sign tokens: made at the first start, named by `kid`, published as a JWK Set (RFC 7517)."""

import base64
import fcntl
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jose import jwk
from jose.backends.base import Key

from backend.errors import StartError

_DIRECTORY_MODE: Final = 0o700
_FILE_MODE: Final = 0o600
_OTHERS: Final = 0o077


@dataclass(frozen=True)
class SigningKey:
    """One key: what signs, what verifies, and what others may know of it."""

    kid: str
    algorithm: str
    private: Key
    public: Key
    created_at: datetime
    public_jwk: Mapping[str, Any] | None
    """The public half for the JWK Set; None for a shared secret, which has none."""


@dataclass(frozen=True)
class KeyRing:
    """All keys whose tokens are believed; the newest one signs."""

    keys: tuple[SigningKey, ...]

    @property
    def active(self) -> SigningKey:
        """The key that signs."""
        return self.keys[-1]

    def find(self, kid: str) -> SigningKey | None:
        """Return the key of this name, if it is one of ours."""
        return next((key for key in self.keys if key.kid == kid), None)

    def jwks(self) -> dict[str, list[Mapping[str, Any]]]:
        """Return the public keys as RFC 7517 wants them."""
        return {"keys": [key.public_jwk for key in self.keys if key.public_jwk]}


def shared_secret(secret: str) -> KeyRing:
    """Build a ring of one HS256 key from a secret of 32 bytes or more (RFC 7518 §3.2)."""
    key = jwk.construct(secret, "HS256")
    kid = f"hs256-{hashlib.sha256(b'kid:' + secret.encode()).hexdigest()[:16]}"
    return KeyRing((SigningKey(kid, "HS256", key, key, datetime.fromtimestamp(0, UTC), None),))


def load_or_make(directory: Path, *, refuse_readable: bool) -> KeyRing:
    """Read the ES256 keys of `directory`; make the first one if there is none. Safe for many processes at once.

    Raises:
        StartError: the directory cannot be used, a file is no key, or others may read one and `refuse_readable`.
    """
    try:
        directory.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
        with (directory / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            paths = sorted(directory.glob("*.pem"))
            if not paths:
                paths = [_make(directory)]
        return KeyRing(tuple(sorted((_read(path, refuse_readable) for path in paths), key=lambda key: key.created_at)))
    except OSError as error:
        raise StartError(f"The signing keys in {directory} cannot be used: {error.strerror}.") from None


def _make(directory: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = directory / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.urandom(4).hex()}.pem"
    unfinished = path.with_suffix(".unfinished")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    return path


def _read(path: Path, refuse_readable: bool) -> SigningKey:  # noqa: FBT001  # one private caller
    if refuse_readable and path.stat().st_mode & _OTHERS:
        raise StartError(f"The signing key {path} can be read by others; run: chmod 600 {path}")
    try:
        private = jwk.construct(path.read_text(), "ES256")
        created_at = datetime.strptime(path.name.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except Exception as error:
        raise StartError(f"{path} is not an ES256 signing key named <time>-<name>.pem.") from error
    public = private.public_key()
    parameters = public.to_dict()
    kid = _thumbprint(parameters)
    return SigningKey(kid, "ES256", private, public, created_at, {**parameters, "kid": kid, "use": "sig"})


def _thumbprint(parameters: Mapping[str, Any]) -> str:
    """Name a key by its content (RFC 7638 §3)."""
    required = {name: parameters[name] for name in ("crv", "kty", "x", "y")}
    canonical = json.dumps(required, separators=(",", ":"), sort_keys=True).encode()
    return base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()
