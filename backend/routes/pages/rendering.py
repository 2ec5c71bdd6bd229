"""From a template to a response: the policy a page runs under, who is looking, and what just happened."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from backend.models import Role
from backend.routes.cookies import drop_cookie, read_cookie, set_cookie
from backend.routes.deps import get_context
from backend.routes.pages import notices, words
from backend.routes.pages.notices import Notice, Undo
from backend.services import Services
from backend.services.identity import Identity
from backend.services.rights import Act, may
from backend.services.session_rules import Rules
from backend.settings import Settings

BACKEND: Final = Path(__file__).parents[2]
POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_OWN_PATH: Final = re.compile(r"/(?!/)[A-Za-z0-9/_.~?=&%+#-]*")
_NOTICE: Final = "notice"
_LONG: Final = timedelta(days=1)


@dataclass(frozen=True)
class Caller:
    """Who looks at a page, as templates see them."""

    username: str
    role: Role
    must_change_password: bool

    @property
    def is_admin(self) -> bool:
        """Whether they may administer."""
        return may(Act.SEE_PEOPLE, self.role)

    @property
    def can_decide(self) -> bool:
        """Whether they may decide about applicants."""
        return may(Act.DECIDE, self.role)


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:  # noqa: ANN401
    """Render a template for whoever is looking."""
    context = get_context(request)
    settings = context.settings
    words.NOW.set(context.clock.now())
    user: Identity | None = getattr(request.state, "caller", None)
    notice = read_cookie(request, _NOTICE, settings)
    html = (
        _templates()
        .get_template(template)
        .render(
            {
                "static_version": static_version(),
                "status": status,
                "site_name": settings.site_name,
                "contact": settings.way_to_ask,
                "caller": Caller(user.username, user.role, user.must_change_password) if user else None,
                "csrf_token": getattr(request.state, "csrf_token", None),
                "notice": notices.read(notice, _secret(request)) if notice else None,
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


async def at_the_desk(look: Services, here: str) -> dict[str, Any]:
    """Return what the bar of a page shows: how many wait, and in which of its rooms one is."""
    return {"pending_count": await look.people.waiting_count(), "here": here}


def go(to: str) -> RedirectResponse:
    """Send a browser to a page of ours after a form (303: it fetches the page, it does not send the form again)."""
    return RedirectResponse(to, 303)


def go_saying(
    request: Request, to: str, text: str, *, warn: bool = False, undo: Undo | None = None
) -> RedirectResponse:
    """Send a browser to a page that says once what happened, with the way back from it."""
    response = go(to)
    notice = Notice(text, "warn" if warn else "ok", undo)
    settings = get_context(request).settings
    set_cookie(response, _NOTICE, notice.cookie(_secret(request)), settings, seconds=notices.LIFETIME_SECONDS)
    return response


def mail_of(settings: Settings) -> Literal["sent", "shown", "none"]:
    """Say what becomes of mail: it leaves, is shown on the console of the server, or goes nowhere."""
    if settings.mail_enabled:
        return "sent"
    return "none" if settings.mail_goes_nowhere else "shown"


def _secret(request: Request) -> str | None:
    """Return what only this session's pages know."""
    return getattr(request.state, "csrf_token", None)


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


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(BACKEND / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    named = (
        words.age,
        words.day,
        words.exact,
        words.mail,
        words.rate,
        words.role,
        words.size,
        words.span,
        words.standing,
        words.standing_here,
        words.standing_means,
        words.state,
        words.to_the_second,
        words.today,
        words.until,
    )
    environment.filters.update({word.__name__: word for word in named}, iso=datetime.isoformat)
    return environment
