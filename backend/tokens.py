"""Making, signing, hashing and reading tokens.

A token is either *opaque* (32 random bytes, of which only the SHA-256 digest is kept) or *signed* (a JWT, RFC 7519).
Signed tokens pass one strict reader: whatever differs from what we write is refused.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn
from uuid import UUID

from jose import jwt

from backend.errors import InvalidToken, TokenExpired
from backend.keys import KeyRing

ACCESS: Final = "vestibule"
"""The audience of access tokens: apps behind the door check for it (ASVS 9.2.3)."""
APPLICANT: Final = "vestibule:applicant"
"""The audience of the token that shows a waiting person where they stand, and does nothing else (ASVS 9.2.2)."""
KNOWN_DEVICE: Final = "vestibule:known-device"
"""The audience of the token that shows that somebody has signed in by this browser before, and does nothing else."""

_OPAQUE_BYTES: Final = 32
_LONGEST: Final = 4096
_LEEWAY: Final = timedelta(seconds=60)
_HEADER: Final = frozenset({"alg", "kid", "typ"})
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_-]+")
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def opaque() -> str:
    """Make an opaque token: 256 bits from the system's source, URL-safe (ASVS 7.2.3, 11.5.1)."""
    return secrets.token_urlsafe(_OPAQUE_BYTES)


def digest(token: str) -> str:
    """Return what is stored of an opaque token: its SHA-256 in hex (ASVS 11.4.3)."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def csrf_token(session_cookie: str) -> str:
    """Derive the CSRF token of a cookie session; the cookie cannot be derived from it."""
    return hmac.new(session_cookie.encode("utf-8", "surrogatepass"), b"vestibule csrf", hashlib.sha256).hexdigest()


def successor(token: str, salt: str) -> str:
    """Derive the successor of a refresh token from that token and a salt, neither of which is enough alone."""
    derived = hmac.new(token.encode("utf-8", "surrogatepass"), salt.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(derived).rstrip(b"=").decode()


def same(given: str, expected: str) -> bool:
    """Compare two secrets in constant time (ASVS 11.2.4)."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())


@dataclass(frozen=True)
class Claims:
    """What a signed token says. It carries no personal data (RFC 7519 §12)."""

    subject: UUID
    session_id: UUID
    issued_at: datetime
    expires_at: datetime
    organizations: Mapping[str, str] | None = None
    """Roles by organization id, as of when it was issued: for other apps, and never used by us."""


@dataclass(frozen=True)
class TokenSigner:
    """Signs and reads the JWTs of one issuer."""

    keys: Callable[[], KeyRing]
    """Asked anew for every token, because keys come and go while the service runs."""
    issuer: str

    def sign(self, claims: Claims, audience: str = ACCESS) -> str:
        """Write a JWT with the key that signs when it is issued."""
        key = self.keys().active(claims.issued_at)
        payload = {
            "iss": self.issuer,
            "aud": audience,
            "sub": str(claims.subject),
            "sid": str(claims.session_id),
            "session_id": str(claims.session_id),
            "jti": secrets.token_hex(16),
            "iat": int(claims.issued_at.timestamp()),
            "exp": int(claims.expires_at.timestamp()),
            **({} if claims.organizations is None else {"organizations": dict(claims.organizations)}),
        }
        return str(jwt.encode(payload, key.private, key.algorithm, headers={"kid": key.kid}))

    def read(self, token: str, now: datetime, audience: str = ACCESS, *, expired_ok: bool = False) -> Claims:
        """Verify a JWT and return what it says (ASVS V9).

        `expired_ok` skips the check of `exp` and nothing else: to end a session, never to grant access.

        Raises:
            InvalidToken: it is not, to the byte, a token this service could have written for this audience.
            TokenExpired: it was one, until its `exp`, and `expired_ok` is not set.
        """
        header, body, signature, signed = _split(token)
        if header.keys() != _HEADER or header["typ"] != "JWT" or not isinstance(header["kid"], str):
            _refuse()
        key = self.keys().find(header["kid"])
        if key is None or header["alg"] != key.algorithm or not key.public.verify(signed, signature):
            _refuse()
        payload = _object(body)
        claims = _claims(payload)
        if payload.get("iss") != self.issuer or payload.get("aud") != audience or claims.issued_at > now + _LEEWAY:
            _refuse()
        if claims.expires_at <= now and not expired_ok:
            raise TokenExpired
        return claims


def _split(token: str) -> tuple[dict[str, Any], bytes, bytes, bytes]:
    parts = token.split(".") if len(token) <= _LONGEST and token.isascii() else []
    if len(parts) != len(("header", "payload", "signature")):
        _refuse()
    header, payload, signature = (_decode(part) for part in parts)
    return _object(header), payload, signature, f"{parts[0]}.{parts[1]}".encode()


def _decode(segment: str) -> bytes:
    """Decode canonical base64url without padding (RFC 7515 §2): each value has one spelling only."""
    if not _SEGMENT.fullmatch(segment):
        _refuse()
    try:
        value = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except (binascii.Error, ValueError):
        _refuse()
    if base64.urlsafe_b64encode(value).rstrip(b"=").decode() != segment:
        _refuse()
    return value


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw, object_pairs_hook=_without_duplicates, parse_constant=_refuse)
    except (ValueError, RecursionError):
        _refuse()
    if not isinstance(value, dict):
        _refuse()
    return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        _refuse()
    return dict(pairs)


def _claims(payload: dict[str, Any]) -> Claims:
    subject, session_id = payload.get("sub"), payload.get("sid")
    issued_at, expires_at = payload.get("iat"), payload.get("exp")
    if not all(isinstance(value, str) and _UUID.fullmatch(value) for value in (subject, session_id)):
        _refuse()
    if not all(type(value) is int for value in (issued_at, expires_at)):
        _refuse()
    try:
        return Claims(
            UUID(str(subject)),
            UUID(str(session_id)),
            datetime.fromtimestamp(int(str(issued_at)), UTC),
            datetime.fromtimestamp(int(str(expires_at)), UTC),
        )
    except (ValueError, OverflowError, OSError):
        _refuse()


def _refuse(_: object = None) -> NoReturn:
    raise InvalidToken
