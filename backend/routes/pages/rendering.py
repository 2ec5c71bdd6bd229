"""From a template to a response: the policy a page runs under, who is looking, and what just happened."""

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from backend.models import Role
from backend.routes.cookies import drop_cookie, read_cookie, set_cookie
from backend.services.identity import Identity
from backend.services.session_rules import Rules
from backend.settings import Settings

BACKEND: Final = Path(__file__).parents[2]
POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_OWN_PATH: Final = re.compile(r"/(?!/)[A-Za-z0-9/_.~?=&%#-]*")
_NOTICE: Final = "notice"
_NOTICE_SECONDS: Final = 60
_LONG: Final = timedelta(days=1)
_UNITS: Final = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
_AGES: Final = ((365 * 86400, "year"), (30 * 86400, "month"), (86400, "day"), (3600, "hour"), (60, "minute"))


@dataclass(frozen=True)
class Caller:
    """Who looks at a page, as templates see them."""

    username: str
    role: Role

    @property
    def is_admin(self) -> bool:
        """Whether they may administer."""
        return self.role is Role.ADMIN

    @property
    def can_decide(self) -> bool:
        """Whether they may decide about applicants."""
        return self.role in {Role.APPROVER, Role.ADMIN}


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:  # noqa: ANN401
    """Render a template for whoever is looking."""
    settings = request.app.state.context.settings
    user: Identity | None = getattr(request.state, "caller", None)
    notice = read_cookie(request, _NOTICE, settings)
    html = (
        _templates()
        .get_template(template)
        .render(
            {
                "static_version": static_version(),
                "status": status,
                "caller": Caller(user.username, user.role) if user else None,
                "csrf_token": getattr(request.state, "csrf_token", None),
                "notice": _read_notice(notice) if notice else None,
                "password_min_length": settings.password_min_length,
                "idle_seconds": _idle_seconds(user, settings) if user else None,
                **values,
            }
        )
    )
    response = HTMLResponse(html, status, {"Content-Security-Policy": POLICY})
    if notice:
        drop_cookie(response, _NOTICE, settings)
    return response


def go(to: str) -> RedirectResponse:
    """Send a browser to a page of ours after a form (303: it fetches the page, it does not send the form again)."""
    return RedirectResponse(to, 303)


def go_saying(request: Request, to: str, text: str, *, warn: bool = False) -> RedirectResponse:
    """Send a browser to a page that says once what happened."""
    response = go(to)
    raw = json.dumps({"text": text[:400], "kind": "warn" if warn else "ok"}).encode()
    settings = request.app.state.context.settings
    set_cookie(response, _NOTICE, base64.urlsafe_b64encode(raw).decode(), settings, seconds=_NOTICE_SECONDS)
    return response


def own_path(path: str | None) -> str:
    """Return a path of this site; anything that a browser might take for another site becomes `/` (ASVS 3.7.2)."""
    return path if path and _OWN_PATH.fullmatch(path) else "/"


@cache
def static_version() -> str:
    """Name the state of the static files, so that browsers may keep them for ever."""
    found = hashlib.sha256()
    for path in sorted((BACKEND / "static").iterdir()):
        found.update(path.read_bytes())
    return found.hexdigest()[:12]


def _idle_seconds(user: Identity, settings: Settings) -> float | None:
    """Return after how many seconds without activity a page has to warn its person; None if that takes days."""
    idle = Rules.of(settings).idle_of(user)
    return idle.total_seconds() if idle and idle < _LONG else None


def _read_notice(cookie: str) -> dict[str, str] | None:
    try:
        notice = json.loads(base64.urlsafe_b64decode(cookie))
        return {"text": str(notice["text"]), "kind": "warn" if notice["kind"] == "warn" else "ok"}
    except (ValueError, KeyError, TypeError):
        return None


def _age(moment: datetime) -> str:
    """Say how long ago, as people do: "3 days"."""
    seconds = (datetime.now(UTC) - moment).total_seconds()
    for length, word in _AGES:
        count = int(seconds // length)
        if count:
            return _many(count, word)
    return "just now"


def _until(moment: datetime) -> str:
    """Say how long it is still, as people do: "24 hours"."""
    seconds = (moment - datetime.now(UTC)).total_seconds()
    for length, word in _AGES:
        if seconds >= length:
            return _many(ceil(seconds / length), word)
    return "a moment"


def _span(length: timedelta) -> str:
    """Say how long, exactly: "20 minutes"."""
    seconds = max(1, round(length.total_seconds()))
    unit, word = next((unit, word) for unit, word in _UNITS if seconds % unit == 0)
    return _many(seconds // unit, word)


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'s' if count > 1 else ''}"


def _exact(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(BACKEND / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(age=_age, until=_until, span=_span, exact=_exact, iso=datetime.isoformat)
    return environment
