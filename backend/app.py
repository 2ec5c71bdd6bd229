"""The composition root: settings and context in, one application out."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from fastapi.security import OAuth2PasswordBearer
from fastapi.staticfiles import StaticFiles
from fastapi_users import FastAPIUsers
from fastapi_users.authentication import AuthenticationBackend, BearerTransport
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from backend import __version__, logs
from backend.context import Context
from backend.environment import load
from backend.models import User
from backend.routes import approval_service, docs, errors, verifying
from backend.routes.deps import COUNTING, SESSION, SIGN_IN, Work
from backend.routes.doorman import Doorman, Question
from backend.routes.opaque_sessions import get_bodily_user
from backend.routes.paths import answered, in_one_path
from backend.routes.request_checks import check_request
from backend.routes.routers import ROUTERS
from backend.routes.shell import Shell
from backend.schemas.approval_service import UserAnswer
from backend.schemas.errors import ErrorAnswer
from backend.services import background, startup
from backend.services.strategy import SessionStrategy
from backend.services.user_manager import UserManager

_STATIC: Final = Path(__file__).parent / "static"
_ALLOWED_HEADERS: Final = (
    "Authorization",
    "Content-Type",
    "X-CSRF-Token",
    "X-Device-ID",
    "X-Device-Name",
    "X-Device-Type",
    "Idempotency-Key",
    "X-Background",
    "X-Bootstrap-Token",
)
_EXPOSED_HEADERS: Final = ("X-Request-ID", "Retry-After", "RateLimit", "RateLimit-Policy")
_QUESTIONS: Final[Mapping[str, Question]] = {
    approval_service.WHOAMI: approval_service.whoami,
    verifying.PATH: verifying.verified,
}


class Vestibule(FastAPI):
    """FastAPI with a shell around all of it, so that answers to unforeseen errors get their headers too."""

    def openapi(self) -> dict[str, Any]:
        """Describe the API."""
        if not self.openapi_schema:
            self.openapi_schema = in_one_path(super().openapi())
        return self.openapi_schema

    def build_middleware_stack(self) -> ASGIApp:
        """Wrap the finished application."""
        context: Context = self.state.context
        stack: ASGIApp = super().build_middleware_stack()
        stack = CORSMiddleware(
            stack,
            allow_origins=context.settings.cors_origins,
            allow_credentials=True,
            allow_methods=("GET", "POST", "PUT", "PATCH", "DELETE"),
            allow_headers=_ALLOWED_HEADERS,
            expose_headers=_EXPOSED_HEADERS,
        )
        stack = Shell(stack, https=context.settings.uses_https)
        stack = Doorman(stack, context, _QUESTIONS)
        if context.settings.trusted_proxies:
            stack = ProxyHeadersMiddleware(stack, trusted_hosts=list(context.settings.trusted_proxies))  # type: ignore[arg-type, assignment]  # uvicorn's own ASGI types
        return stack


class VersionedFiles(StaticFiles):
    """Static files whose addresses name their version: browsers keep them for ever."""

    def file_response(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  # Starlette's signature
        """Let browsers keep the file."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def create_app(context: Context | None = None) -> FastAPI:
    """Build the application over a context, or over one made from the settings.

    Raises:
        SettingsError, StartError: it cannot be built; the sentence says why.
    """
    context = context or Context.build(load())
    shown = context.settings.docs_shown
    app = Vestibule(
        title="Vestibule",
        version=__version__,
        summary="Accounts with an approval workflow: sign up, wait, be let in, carry a token.",
        lifespan=_lifespan,
        openapi_url="/openapi.json" if shown else None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(check_request)],
        responses={"default": {"model": ErrorAnswer, "description": "Any error, in the one shape."}},
    )
    app.state.context = context
    errors.install(app)
    _ride_on_fastapi_users(app)
    for router in (*ROUTERS, *([docs.router] if shown else [])):
        app.include_router(router)
    app.mount("/static", VersionedFiles(directory=_STATIC), name="static")
    app.router.lifespan_context = _lifespan  # FastAPI would wrap it once for each router, and none has one of its own
    app.state.answered = answered(app, {*COUNTING, get_bodily_user})
    return app


def get_user_manager(work: Work) -> UserManager:
    """Give fastapi-users' routers the manager of this request's transaction."""
    return work.user_manager


def get_strategy(work: Work) -> SessionStrategy:
    """Give fastapi-users' routers the sessions of this request's transaction."""
    return SessionStrategy(work)


def _ride_on_fastapi_users(app: FastAPI) -> None:
    """Mount fastapi-users' own sign-in and verification routers over the same services."""
    transport = BearerTransport(SIGN_IN)
    transport.scheme = OAuth2PasswordBearer(SIGN_IN, scheme_name=SESSION, auto_error=False)  # one for the document
    backend: AuthenticationBackend[User, UUID] = AuthenticationBackend("jwt", transport, get_strategy)
    fastapi_users = FastAPIUsers[User, UUID](get_user_manager, [backend])
    tags: list[str | Enum] = ["A: approval service"]
    signing = fastapi_users.get_auth_router(backend)
    for route in signing.routes:
        if isinstance(route, APIRoute) and route.path == "/logout":
            route.status_code = 204  # as it answers; its own document says 200
    app.include_router(signing, prefix="/api/auth/jwt", tags=tags)
    verifying = fastapi_users.get_verify_router(UserAnswer)  # type: ignore[type-var]  # it only needs `model_validate`
    app.include_router(verifying, prefix="/api/auth", tags=tags)


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    context: Context = app.state.context
    logs.configure(context.settings)
    context.routes = app.state.answered
    try:
        await startup.prepare_database(context)
        await startup.refuse_demo_accounts(context)
        await startup.show_bootstrap_token(context)
        async with background.tasks(context):
            yield
    finally:
        await context.close()
