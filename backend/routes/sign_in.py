"""Dialect C's one address for signing in: JSON for programs, a form for OAuth2 clients and for `/docs`."""

from typing import Any, Final, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData

from backend.routes.cookies import remember_device, session_cookie, set_session
from backend.routes.deps import FORM_TYPES, InContext, OnDevice, Work
from backend.routes.request_checks import check_media_type
from backend.schemas.accounts import OwnUser
from backend.schemas.answers import Envelope
from backend.schemas.session_service import (
    FormAnswer,
    LoginBody,
    LoginForm,
    SignedInAnswer,
    TokenAnswer,
)
from backend.services.revocation import end_cookie

router = APIRouter(prefix="/api/v1/auth", tags=["C: sessions"])
Model = TypeVar("Model", bound=BaseModel)

_FIELDS: Final = {
    "username": {"type": "string", "description": "A username or an email address."},
    "password": {"type": "string", "format": "password"},
    "remember_me": {"type": "boolean", "default": False},
}
_FORM: Final = {"schema": {"type": "object", "properties": _FIELDS, "required": ["username", "password"]}}
_BODIES: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        **_FIELDS,
                        "email": {"type": "string"},
                        "username_or_email": {"type": "string"},
                    },
                    "required": ["password"],
                }
            },
            **dict.fromkeys(FORM_TYPES, _FORM),
        },
    }
}


@router.post("/login", openapi_extra=_BODIES, response_model=Envelope[SignedInAnswer] | FormAnswer)
async def login(request: Request, response: Response, context: InContext, device: OnDevice, work: Work) -> BaseModel:
    """Sign in: JSON gets tokens in an envelope and no cookie, a form gets them bare and cookies as well."""
    media_type = await check_media_type(request, "application/json", *FORM_TYPES)
    if media_type == "application/json":
        body = _valid(LoginBody, json=await request.body())
        user = await work.authentication.check_password(body.login, body.password)
        grant = await work.sessions.open_bearer(user, device, remember=body.remember_me)
        answer = SignedInAnswer(token=TokenAnswer.model_validate(grant), user=OwnUser.model_validate(user))
        return Envelope(data=answer, message="Login successful")
    request.state.by_form = True
    form = _valid(LoginForm, values=_single(await request.form(max_files=0, max_fields=50)))
    user = await work.authentication.check_password(form.username, form.password)
    await end_cookie(work, user, session_cookie(request))
    grant = await work.sessions.open_bearer(user, device, remember=form.remember_me)
    cookie = await work.sessions.attach_cookie(grant.session_id, remember=form.remember_me)
    set_session(response, cookie, context.settings)
    remember_device(response, request, context, user)
    return FormAnswer(
        access_token=grant.access_token,
        refresh_token=grant.refresh_token,
        expires_in=grant.expires_in,
        csrf_token=cookie.csrf_token,
    )


def _valid(model: type[Model], *, json: bytes | None = None, values: Any = None) -> Model:  # noqa: ANN401
    try:
        return model.model_validate(values) if json is None else model.model_validate_json(json)
    except ValidationError as error:
        found = [{**item, "loc": ("body", *item["loc"])} for item in error.errors(include_url=False)]
        raise RequestValidationError(found) from None


def _single(form: FormData) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in form.multi_items():
        if name in values or not isinstance(value, str):
            msg = "The field must be given once, as text."
            raise RequestValidationError([{"loc": ("body", name), "msg": msg, "type": "repeated"}])
        values[name] = value
    return values
