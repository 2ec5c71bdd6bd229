"""The cookies of a browser session: `session_id`, which scripts cannot read, and `csrf_token`, which they can.

Beside them `known_device`, which outlives sessions and opens nothing.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from backend.context import Context
from backend.models import User
from backend.services import known_devices
from backend.services.grants import CookieGrant
from backend.settings import Settings

SESSION: Final = "session_id"
CSRF: Final = "csrf_token"
KNOWN_DEVICE: Final = "known_device"
_HOST: Final = "__Host-"


def session_cookie(request: Request) -> str | None:
    """Return the session cookie; the prefixed one, which no neighbouring host can plant, wins (RFC 6265bis §4.1.3)."""
    return request.cookies.get(_HOST + SESSION) or request.cookies.get(SESSION)


def set_session(response: Response, grant: CookieGrant, settings: Settings) -> None:
    """Give a browser its session."""
    set_cookie(response, SESSION, grant.cookie, settings, seconds=grant.seconds)
    set_csrf(response, grant.csrf_token, settings, seconds=grant.seconds)


def set_csrf(response: Response, token: str, settings: Settings, *, seconds: int | None = None) -> None:
    """Give a browser the token that its scripts send with a change."""
    set_cookie(response, CSRF, token, settings, readable=True, seconds=seconds)


def remember_device(response: Response, request: Request, context: Context, user: User) -> None:
    """Let a browser show from now on that somebody has given their password in it; signing out changes nothing."""
    known = read_cookie(request, KNOWN_DEVICE, context.settings)
    token = known_devices.renewed(context, known, user.id, user.hashed_password)
    seconds = int(known_devices.LIFETIME.total_seconds())
    set_cookie(response, KNOWN_DEVICE, token, context.settings, seconds=seconds)


def clear_session(response: Response, settings: Settings) -> None:
    """Take a browser's session away, whichever names it bears: what stayed under the other would be read next."""
    for name in (SESSION, CSRF):
        drop_cookie(response, name, settings)
        if settings.uses_https:
            response.delete_cookie(name, path="/", secure=True, samesite=settings.cookie_samesite)


def set_cookie(
    response: Response,
    name: str,
    value: str,
    settings: Settings,
    *,
    readable: bool = False,
    seconds: int | None = None,
) -> None:
    """Set a cookie for this host alone: `__Host-` and `Secure` exactly when people come by https (ASVS 3.3)."""
    response.set_cookie(
        _name(name, settings),
        value,
        max_age=seconds,
        path="/",
        secure=settings.uses_https,
        httponly=not readable,
        samesite=settings.cookie_samesite,
    )


def drop_cookie(response: Response, name: str, settings: Settings) -> None:
    """Take a cookie away."""
    response.delete_cookie(
        _name(name, settings), path="/", secure=settings.uses_https, samesite=settings.cookie_samesite
    )


def read_cookie(request: Request, name: str, settings: Settings) -> str | None:
    """Return a cookie that `set_cookie` set."""
    return request.cookies.get(_name(name, settings))


def _name(name: str, settings: Settings) -> str:
    return _HOST + name if settings.uses_https else name
