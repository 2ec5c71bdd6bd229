"""Known devices: browsers in which somebody has signed in before, so that other people's guesses do not keep them out.

A browser shows that it is known by a signed token that names the account and the device. It grants no access: only the
wrong passwords of its browser are counted apart (ASVS 6.1.1). It is valid until the account gets another password.
"""

import hashlib
import secrets
from datetime import timedelta
from typing import Final
from uuid import UUID

from backend import tokens
from backend.context import Context
from backend.errors import Unauthenticated

LIFETIME: Final = timedelta(days=180)
_OWN: Final = 8
"""Random bytes of a device's id; as many are derived from the account and its password hash."""


def device_of(context: Context, token: str | None, account: UUID, hashed_password: str | None) -> UUID | None:
    """Return the device a token names, if it was given out for this account and this password and is still good."""
    if token is None or hashed_password is None:
        return None
    try:
        claims = context.signer.read(token, context.clock.now(), tokens.KNOWN_DEVICE)
    except Unauthenticated:
        return None
    device = claims.session_id
    earned = device == _device(device.bytes[:_OWN], account, hashed_password)
    return device if earned and claims.subject == account else None


def renewed(context: Context, token: str | None, account: UUID, hashed_password: str) -> str:
    """Make the token of a device that has just been signed in with; one that was known stays the same device."""
    known, now = device_of(context, token, account, hashed_password), context.clock.now()
    device = known or _device(secrets.token_bytes(_OWN), account, hashed_password)
    return context.signer.sign(tokens.Claims(account, device, now, now + LIFETIME), tokens.KNOWN_DEVICE)


def _device(own: bytes, account: UUID, hashed_password: str) -> UUID:
    """Return a device's id: its own random bytes, and bytes derived from the account and its password hash."""
    return UUID(bytes=own + hashlib.sha256(own + account.bytes + hashed_password.encode()).digest()[:_OWN])
