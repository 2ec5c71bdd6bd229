"""From the error tree to answers: one table of statuses, one shape, rendered after the transaction was undone."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from backend import errors
from backend.identifiers import ID
from backend.routes.cookies import clear_session
from backend.routes.deps import get_context
from backend.routes.pages import failures
from backend.routes.rate_headers import rate_headers
from backend.routes.refusal_records import record
from backend.routes.refusals import Refusal
from backend.schemas.errors import ErrorAnswer, ErrorSummary

FAMILIES: Final[Mapping[type[errors.VestibuleError], int]] = {
    errors.Invalid: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.UnsupportedMediaType: 415,
    errors.Unprocessable: 422,
    errors.TooManyRequests: 429,
    errors.Busy: 503,
}
_HTTP: Final[Mapping[int, tuple[str, str]]] = {
    400: ("BAD_REQUEST", "The request could not be read."),
    401: (errors.NotAuthenticated.code, errors.NotAuthenticated.detail),
    403: ("FORBIDDEN", "This is not allowed."),
    404: ("NOT_FOUND", "There is nothing at this address."),
    405: ("METHOD_NOT_ALLOWED", "This address does not answer this method."),
    413: ("REQUEST_TOO_LARGE", "The request is too large."),
}
_INTERNAL: Final = ("INTERNAL_ERROR", "Internal server error")
_VALIDATION: Final = ("VALIDATION_ERROR", "The request does not have the expected form.")
_B1: Final = re.compile(rf"/api/v1/users/(register|me|{ID.pattern})")
"""Where a taken name is a 400; by username, which is B3's way, it is a 409."""
_NEW_PASSWORDS: Final = ("/password", "/change-password", "/reset-password/confirm")
_LOGOUT: Final = "/api/v1/auth/logout"
_PACED: Final = (errors.SignInRefused, errors.PasswordWrong)
"""Refusals whose time would tell which hash was checked, or that none was (ASVS 6.3.8)."""


def install(app: FastAPI) -> None:
    """Answer every error of `app` from here."""
    app.add_exception_handler(errors.VestibuleError, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, errors.VestibuleError):
        raise error
    await record(request, error)
    if isinstance(error, _PACED):
        await request.state.pace.keep(get_context(request).settings.refusal_seconds)
    answer = _answer(request, error, _in_dialect(request, error, _plainly(error)))
    by_cookie = "authorization" not in request.headers
    if isinstance(error, errors.Unauthenticated) and request.url.path == _LOGOUT and by_cookie:
        clear_session(answer, get_context(request).settings)  # or "sign out" would fail for ever
    return answer


async def _malformed(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    items = tuple({"loc": list(item["loc"]), "msg": _sentence(item), "type": item["type"]} for item in error.errors())
    code, detail = _VALIDATION
    return _answer(request, error, Refusal(422, code, detail, items=items))


async def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    code, detail = _HTTP.get(error.status_code, ("HTTP_ERROR", HTTPStatus(error.status_code).phrase))
    if error.detail.isupper():  # fastapi-users' routers answer with code words
        code = detail = error.detail
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        headers.setdefault("WWW-Authenticate", "Bearer")
    return _answer(request, error, Refusal(error.status_code, code, detail, headers=headers))


async def _unforeseen(request: Request, error: Exception) -> Response:
    code, detail = _INTERNAL
    return _answer(request, error, Refusal(500, code, detail))


def _plainly(error: errors.VestibuleError) -> Refusal:
    status = next((status for family, status in FAMILIES.items() if isinstance(error, family)), 500)
    refusal = Refusal(status, error.code, error.detail)
    if isinstance(error, errors.TooManyRequests):
        headers = {"Retry-After": str(error.retry_after)}
        headers |= rate_headers(errors.Counted(error.limit, error.window, 0, error.retry_after))
        extra = {"retry_after": error.retry_after, "limit": error.limit, "window": error.window}
        return replace(refusal, headers=headers, extra=extra)
    if isinstance(error, errors.PasswordWrong) and (left := error.counted):
        refusal = replace(refusal, headers=rate_headers(left))
    if isinstance(error, errors.Busy):
        return replace(refusal, headers={"Retry-After": str(error.retry_after)})
    if isinstance(error, errors.Unauthenticated):
        return replace(refusal, headers={**(refusal.headers or {}), "WWW-Authenticate": _challenge(error)})
    if isinstance(error, errors.Unprocessable):
        values = (one for one in (error, *error.also) if isinstance(one, errors.Unprocessable))
        return replace(refusal, items=tuple(_item(one) for one in values))
    return refusal


def _item(error: errors.VestibuleError) -> dict[str, Any]:
    return {
        "loc": ["body", *([error.field] if error.field else [])],
        "msg": error.detail,
        "type": error.code.lower(),
    }


def _challenge(error: errors.Unauthenticated) -> str:
    """Tell a client why its token is refused (RFC 6750 §3)."""
    if isinstance(error, errors.NotAuthenticated | errors.InvalidCredentials):
        return "Bearer"
    return f'Bearer error="invalid_token", error_description="{error.detail}"'


def _in_dialect(request: Request, error: errors.VestibuleError, refusal: Refusal) -> Refusal:
    """Say it as the clients of this path expect."""
    path = request.url.path
    if path.startswith("/api/auth/"):
        return _in_dialect_a(path, error, refusal)
    if isinstance(error, errors.AlreadyTaken) and _B1.fullmatch(path):
        detail = "User with this email already exists" if isinstance(error, errors.EmailTaken) else refusal.detail
        return replace(refusal, status=400, detail=detail)
    if isinstance(error, errors.NotOneself) and _B1.fullmatch(path):
        return replace(refusal, detail=refusal.detail.replace("demote yourself", "demote yourself from admin role"))
    if isinstance(error, errors.PasswordRefused) and path.endswith(_NEW_PASSWORDS):
        item = {**refusal.items[0], "loc": ["body", "new_password"]}
        return replace(refusal, items=(item,))
    if getattr(request.state, "by_form", False) and isinstance(error, errors.InvalidCredentials):
        return replace(refusal, detail="Incorrect username or password")
    return refusal


def _in_dialect_a(path: str, error: errors.VestibuleError, refusal: Refusal) -> Refusal:
    if path == "/api/auth/jwt/login" and isinstance(error, errors.SignInRefused):
        code = "LOGIN_BAD_CREDENTIALS"
        return Refusal(400, code, code)
    if isinstance(error, errors.AccountInactive):
        return Refusal(400, errors.AccountInactive.code, errors.AccountInactive.detail)
    if isinstance(error, errors.AlreadyTaken):
        code = "REGISTER_USER_ALREADY_EXISTS" if path == "/api/auth/register" else error.code
        return replace(refusal, status=400, code=code)
    if isinstance(error, errors.PasswordRefused):
        prefix = {"/api/auth/register": "REGISTER_", "/api/auth/reset-password": "RESET_PASSWORD_"}.get(path, "")
        return Refusal(400, f"{prefix}{error.code}", error.detail)
    return refusal


def _sentence(item: Mapping[str, Any]) -> str:
    return str(item["msg"]).removeprefix("Value error, ")


def _answer(request: Request, error: Exception, refusal: Refusal) -> Response:
    if not _is_api(request.url.path):
        return failures.answer(request, error, refusal)
    body = ErrorAnswer(
        detail=list(refusal.items)
        if refusal.items and refusal.status == HTTPStatus.UNPROCESSABLE_ENTITY
        else refusal.detail,
        error_code=refusal.code,
        timestamp=datetime.now(UTC),
        path=request.url.path,
        request_id=request.state.request_id,
        error=ErrorSummary(code=refusal.code, message=refusal.detail),
    )
    content = {**body.model_dump(mode="json"), **(refusal.extra or {})}
    return JSONResponse(content, refusal.status, dict(refusal.headers or {}))


def _is_api(path: str) -> bool:
    return path.startswith(("/api/", "/health", "/metrics", "/.well-known", "/openapi.json"))
