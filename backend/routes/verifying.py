"""`GET /api/v1/auth/verify`: yes or no, and whose; for reverse proxies that ask before they let a request through."""

from typing import Final
from urllib.parse import quote

from fastapi import APIRouter, Response
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.context import Context
from backend.routes.cookies import session_cookie
from backend.routes.deps import CurrentUser
from backend.routes.shell import request_id_of, with_headers
from backend.services.identity import Identity, Kind, recall

router = APIRouter(prefix="/api/v1/auth", tags=["C: sessions"])

_PATH: Final = "/api/v1/auth/verify"
_PLAIN: Final = "!#$&'*+-.^_`|~@/=?"
"""Characters that stand in these headers as they are; others are percent-encoded UTF-8."""


@router.get("/verify", response_class=Response, responses={200: {"description": "Yes; X-User-* headers say who."}})
async def verify(caller: CurrentUser) -> Response:
    """Say yes by 200 without a body, with who it is in headers; or no by 401."""
    return Response(headers={name.decode(): value.decode() for name, value in _about(caller)})


class QuickVerify:
    """The same in front of the whole application, for credentials that are known by heart."""

    def __init__(self, app: ASGIApp, context: Context) -> None:
        """Answer in place of `app` where nothing has to be looked up."""
        self._app = app
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a yes; leave everything else to the application."""
        caller = self._known(scope) if scope.get("path") == _PATH and scope.get("method") == "GET" else None
        if caller is None:
            await self._app(scope, receive, send)
            return
        headers = with_headers(
            [*_about(caller), (b"content-length", b"0")],
            request_id_of(scope),
            https=self._context.settings.uses_https,
        )
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    def _known(self, scope: Scope) -> Identity | None:
        authorization: bytes | None = None
        agent: str | None = None
        activity = True
        for name, value in scope["headers"]:
            if name == b"authorization":
                if authorization is not None:
                    return None
                authorization = value
            elif name == b"user-agent":
                agent = value.decode("latin-1")
            elif name == b"x-background":
                activity = value != b"1"
            elif name == b"origin":
                return None  # a script of another site: CORS is the application's to answer
        if authorization is None:
            found = session_cookie(Request(scope))
            return recall(self._context, Kind.COOKIE, found, agent, activity=activity) if found else None
        scheme, _, credential = authorization.decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            return None
        return recall(self._context, Kind.ACCESS_TOKEN, credential.strip(), agent, activity=activity)


def _about(caller: Identity) -> list[tuple[bytes, bytes]]:
    return [
        (b"x-user-id", str(caller.id).encode()),
        (b"x-user-name", quote(caller.username, _PLAIN).encode()),
        (b"x-user-email", quote(caller.email, _PLAIN).encode()),
        (b"x-user-role", caller.role.encode()),
        (b"x-session-id", str(caller.session_id).encode()),
    ]
