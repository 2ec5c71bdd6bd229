"""Known devices: browsers in which somebody has signed in before, so that other people's guesses do not keep them out.

A browser shows that it is known by a signed token that names the account and the device. It opens nothing: it only has
its wrong passwords counted by themselves (ASVS 6.1.1).
"""

from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

from backend import tokens
from backend.context import Context
from backend.errors import Unauthenticated

LIFETIME: Final = timedelta(days=180)


def device_of(context: Context, token: str | None, account: UUID) -> UUID | None:
    """Return the device a token names, if it was given out for this account and is still good."""
    if token is None:
        return None
    try:
        claims = context.signer.read(token, context.clock.now(), tokens.KNOWN_DEVICE)
    except Unauthenticated:
        return None
    return claims.session_id if claims.subject == account else None


def renewed(context: Context, token: str | None, account: UUID) -> str:
    """Make the token of a device that has just been signed in with; one that was known stays the same device."""
    device, now = device_of(context, token, account) or uuid4(), context.clock.now()
    return context.signer.sign(tokens.Claims(account, device, now, now + LIFETIME), tokens.KNOWN_DEVICE)
