"""What every response gets, whatever made it: a request id, security headers, one line in the log.

It wraps the finished application, because answers to unforeseen errors never pass the application's own middleware.
"""

import os
import re
import time
from collections.abc import Iterable, Mapping
from typing import Final

import structlog
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.errors import Counted
from backend.routes.paths import asked_for
from backend.routes.rate_headers import rate_headers
from backend.services.pace import Pace

_SANE_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NOTHING_ALLOWED: Final = b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
_UNLESS_SAID_OTHERWISE: Final = (
    (b"content-security-policy", _NOTHING_ALLOWED),
    (b"referrer-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
LARGEST_BODY: Final = 256 * 1024
"""Bytes; more than any form or JSON body of this service needs."""
BODIES_BY_PATH: Final[Mapping[str, int]] = {
    "/api/v1/users/import": 10 * 1024 * 1024,
    "/api/v1/users/bulk": 1024 * 1024,  # 10,000 ids
    "/password-strength": 2 * 1024,
}
"""Bytes that bodies of some paths may have: more for files and long lists, less where each costs much."""
_NEVER_BY_HEAD: Final = frozenset({"/api/v1/users/export", "/api/v1/users/me/export"})
"""Where asking costs as much as taking; it is a 405 there."""
_LAST_WORDS: Final = {
    "detail": "Internal server error",
    "error_code": "INTERNAL_ERROR",
    "success": False,
    "error": {"code": "INTERNAL_ERROR", "message": "Internal server error"},
}
_HSTS: Final = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
_OVERRULED: Final = frozenset({b"x-request-id", _HSTS[0], *(name for name, _ in _ALWAYS)})
_REFUSED: Final = 400
RawHeader = tuple[bytes, bytes]
_log = structlog.get_logger("vestibule.requests")


class Shell:
    """Plain ASGI around the whole application."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        """Wrap `app`; `https` adds HSTS (RFC 6797)."""
        self._app = app
        self._https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = request_id_of(scope)
        scope.setdefault("state", {}).update(request_id=request_id, pace=Pace.begin())
        _without_trailing_slash(scope)
        started, status, answered = time.perf_counter(), 500, False

        asked, head = scope, scope["method"] == "HEAD" and scope["path"] not in _NEVER_BY_HEAD
        if head:  # what answers GET answers HEAD, without the body (RFC 9110 §9.3.2)
            asked = {**scope, "method": "GET"}

        async def send_with_headers(message: Message) -> None:
            nonlocal status, answered
            if head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            if message["type"] == "http.response.start":
                status, answered = message["status"], True
                said = message.get("headers", [])
                message["headers"] = with_headers([*said, *_left(scope, said)], request_id, https=self._https)
            await send(message)

        try:
            await self._app(asked, _limited(scope, receive), send_with_headers)
        except Exception:  # noqa: BLE001  # the last line of defence
            # The application has answered with a 500 and hands the error on for the server's log. That log would
            # print it without request id, and this one does it right.
            _log.exception("unforeseen_error", request_id=request_id)
            if not answered:
                await JSONResponse(_LAST_WORDS, 500)(scope, receive, send_with_headers)
        finally:
            # Answered questions are the most of all requests, and the least interesting.
            log = _log.debug if status < _REFUSED and asked["method"] == "GET" else _log.info
            log(
                "request",
                method=scope["method"],
                path=asked_for(asked),
                status=status,
                ms=round((time.perf_counter() - started) * 1000, 1),
                request_id=request_id,
            )


def request_id_of(scope: Scope) -> str:
    """Return the request's id: the one it came with, if that is sane, or a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            given = value.decode("latin-1")
            return given if _SANE_REQUEST_ID.fullmatch(given) else os.urandom(16).hex()
    return os.urandom(16).hex()


def with_headers(headers: Iterable[RawHeader], request_id: str, *, https: bool) -> list[RawHeader]:
    """Add what every response has; what the answer says itself about caching and policies stands."""
    ours = [(b"x-request-id", request_id.encode()), *_ALWAYS, *([_HSTS] if https else [])]
    found = [header for header in headers if header[0] not in _OVERRULED]
    said = {name for name, _ in found}
    return [*found, *ours, *[header for header in _UNLESS_SAID_OTHERWISE if header[0] not in said]]


def _left(scope: Scope, said: Iterable[RawHeader]) -> list[RawHeader]:
    """Tell what a tier has left, where the request was counted and the answer does not tell of another limit."""
    left: Counted | None = scope["state"].get("left")
    headers = [(name.lower().encode(), value.encode()) for name, value in rate_headers(left).items()] if left else []
    return [] if headers and headers[0][0] in {name for name, _ in said} else headers


def _limited(scope: Scope, receive: Receive) -> Receive:
    """Refuse a body that is too large: at once if it says so, else as soon as it is."""
    left = most = BODIES_BY_PATH.get(scope["path"], LARGEST_BODY)
    said = Headers(scope=scope).get("content-length", "")
    too_large = said.isdecimal() and int(said[:20]) > most

    async def receive_within() -> Message:
        nonlocal left
        if too_large:
            raise HTTPException(413)
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(413)
        return message

    return receive_within


def _without_trailing_slash(scope: Scope) -> None:
    """Answer both spellings of a path; a redirect from one to the other would have to trust the Host header."""
    path = scope["path"].replace("\n", "\ufffd")  # or a route's pattern would let one at the end pass unseen
    scope["path"] = (path.rstrip("/") or "/") if path.endswith("/") else path
