"""The doorman: answers "who is this?" in front of the whole application, where the answer is known by heart.

Apps ask it a thousand times a second. Finding the route and solving its dependencies costs ten times as much as the
answer itself, so for credentials whose answer the cache knows neither happens. Every other case, refusals above all, is
the application's: its routes at the same paths give the same answers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.context import Context
from backend.routes.cookies import session_cookie
from backend.routes.shell import RawHeader, request_id_of, with_headers
from backend.services.audit import LONGEST_AGENT
from backend.services.identity import Identity, Kind, recall
from backend.services.quota import is_free

_VARY: Final = (b"vary", b"Origin")
"""As CORS says it on every answer of the application."""


LARGEST_HEADERS: Final = 128 * 1024
"""Bytes of all headers together: what parses them, cookies above all, takes time that grows with them (RFC 6585 §5)."""


@dataclass(frozen=True)
class Answer:
    """A 200 about somebody."""

    headers: tuple[RawHeader, ...]
    body: bytes = b""


Question = Callable[[Identity], Answer]
"""What is asked at a path, and how it is answered."""


class Doorman:
    """Plain ASGI in front of the shell."""

    def __init__(self, app: ASGIApp, context: Context, questions: Mapping[str, Question]) -> None:
        """Answer these `questions`, by path, in place of `app` where nothing has to be looked up."""
        self._app = app
        self._context = context
        self._questions = questions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what is known; leave everything else to the application."""
        if scope["type"] == "http" and _too_large(scope):
            await self._refuse(send)
            return
        question = self._questions.get(scope.get("path", ""))
        caller = self._known(scope) if question and scope["method"] == "GET" else None
        if (
            question is None
            or caller is None
            or caller.must_change_password
            or not is_free(self._context, caller, scope["path"])
        ):
            await self._app(scope, receive, send)
            return
        answer = question(caller)
        length = (b"content-length", str(len(answer.body)).encode())
        https = self._context.settings.uses_https
        headers = with_headers([length, _VARY, *answer.headers], request_id_of(scope), https=https)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _refuse(self, send: Send) -> None:
        length = (b"content-length", b"0")
        headers = with_headers([length], request_id_of({"headers": []}), https=self._context.settings.uses_https)
        await send({"type": "http.response.start", "status": 431, "headers": headers})
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
                agent = value.decode("latin-1")[:LONGEST_AGENT]
            elif name == b"x-background":
                activity = value != b"1"
            elif name == b"origin":
                return None  # a script of another site: CORS is the application's to answer
        if authorization is None:
            cookie = session_cookie(Request(scope))
            return recall(self._context, Kind.COOKIE, cookie, agent, activity=activity) if cookie else None
        scheme, _, credential = authorization.decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            return None
        return recall(self._context, Kind.ACCESS_TOKEN, credential.lstrip(" "), agent, activity=activity)


def _too_large(scope: Scope) -> bool:
    return sum(len(name) + len(value) for name, value in scope["headers"]) > LARGEST_HEADERS
