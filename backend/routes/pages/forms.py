"""Forms: read into the same schemas as JSON, and shown again with what was typed when something is wrong."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from backend.errors import UserNotFound
from backend.identifiers import as_id
from backend.routes.deps import CurrentApprover
from backend.schemas.types import Reason

_SECRETS: Final = frozenset({"password", "current_password", "new_password", "csrf_token", "bootstrap_token", "token"})
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Form:
    """A form as templates see it: what was typed, and what is wrong with it."""

    values: Mapping[str, str]
    errors: Mapping[str, str] = field(default_factory=dict)
    message: str | None = None
    next_step: str | None = None


@dataclass(frozen=True)
class Again:
    """Where a person is when a form is refused: the page to show once more, and what was typed there."""

    template: str
    values: Mapping[str, str]
    context: Mapping[str, Any]


@dataclass(frozen=True)
class BackTo:
    """Where a person goes, with a notice, when a button is refused."""

    path: str


async def read_form(
    request: Request, model: type[Model], template: str, context: Mapping[str, Any] | None = None
) -> Model:
    """Read a form into a schema, remembering the page it came from for the error handler.

    Raises:
        RequestValidationError: something in it breaks a rule.
    """
    typed = await _typed(request)
    shown = {name: value for name, value in typed.items() if name not in _SECRETS}
    request.state.again = Again(template, shown, context or {})
    try:
        return model.model_validate(typed)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None


def form_of(model: type[Model], template: str) -> Callable[[Request], Awaitable[Model]]:
    """Make a dependency that reads the form of one page."""

    async def read(request: Request) -> Model:
        return await read_form(request, model, template)

    return read


async def get_person(id: str, caller: CurrentApprover) -> UUID:  # noqa: A002
    """Return the account a page's path names, once it is known that the caller may ask about accounts at all.

    Raises:
        UserNotFound: the path names none.
    """
    id_ = as_id(id)
    if id_ is None:
        raise UserNotFound
    return id_


Person = Annotated[UUID, Depends(get_person)]


class ReasonForm(BaseModel):
    """Why, in the words of who decides."""

    reason: Reason = None


async def read_reason(request: Request) -> ReasonForm:
    """Read a form that holds a reason at most; where it is refused, the route has said where to go.

    Raises:
        RequestValidationError: the reason breaks the rule for texts.
    """
    try:
        return ReasonForm.model_validate(await _typed(request))
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None


async def _typed(request: Request) -> dict[str, str]:
    form = await request.form(max_files=0, max_fields=50)
    return {name: value.replace("\r\n", "\n") for name, value in form.items() if isinstance(value, str)}
