"""Forms: read into the same schemas as JSON, and shown again with what was typed when something is wrong."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Final, NoReturn, TypeVar
from uuid import UUID

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, BeforeValidator, ValidationError
from pydantic_core import PydanticCustomError

from backend.errors import UserNotFound
from backend.identifiers import id_or
from backend.routes.deps import CurrentApprover
from backend.routes.pages.rendering import own_path
from backend.schemas.types import Reason

_SECRETS: Final = frozenset({"password", "current_password", "new_password", "csrf_token", "bootstrap_token", "token"})
Model = TypeVar("Model", bound=BaseModel)
Besides = Callable[[Mapping[str, str], Collection[str]], Awaitable[Sequence[Mapping[str, Any]]]]
"""Tells what is wrong with the values of a form, besides the fields that are known to be wrong."""


def _begin(day: object) -> datetime | None:
    if not isinstance(day, str) or not day:
        return None
    try:
        return datetime.combine(date.fromisoformat(day), time(), UTC)
    except ValueError:
        raise PydanticCustomError("day", "Write the day as year-month-day, for example 2031-05-17.") from None


Day = Annotated[datetime | None, BeforeValidator(_begin)]
"""A day of a form, as the moment at which it begins (UTC)."""


@dataclass(frozen=True)
class Form:
    """A form as templates see it: what was typed, and what is wrong with it."""

    values: Mapping[str, str]
    errors: Mapping[str, str] = field(default_factory=dict)
    message: str | None = None
    next_step: str | None = None
    way: tuple[str, str] | None = None
    """Where to go on, and what the link there is called."""


@dataclass(frozen=True)
class Again:
    """Where a person is when a form is refused: the page to show once more, and what was typed there.

    `words` are said in place of the sentences of some errors; `order` is that of the fields.
    """

    template: str
    values: Mapping[str, str]
    context: Mapping[str, Any]
    words: Mapping[str, str] = field(default_factory=dict)
    order: Sequence[str] = ()


@dataclass(frozen=True)
class BackTo:
    """Where a person goes, with a notice, when a button is refused; `words` as above."""

    path: str
    words: Mapping[str, str] = field(default_factory=dict)


async def come_back(request: Request, to: str) -> str:
    """Come back to the page of a list where a button was pressed, which its form names, whatever comes of it."""
    then = (await request.form()).get("then")
    path = own_path(then if isinstance(then, str) else None)
    here = path if path.startswith(to) else to
    request.state.again = BackTo(here)
    return here


async def read_form(
    request: Request,
    model: type[Model],
    template: str,
    context: Mapping[str, Any] | None = None,
    words: Mapping[str, str] | None = None,
    besides: Besides | None = None,
) -> Model:
    """Read a form into a schema, remembering the page it came from, and its words, for the error handler.

    Where something breaks a rule of the schema, `besides` tells what else is wrong, so that a person hears of all.

    Raises:
        RequestValidationError: something in it breaks a rule.
    """
    values = await typed(request)
    shown = {name: value for name, value in values.items() if name not in _SECRETS}
    request.state.again = Again(template, shown, context or {}, words or {}, tuple(values))
    try:
        return check(model, values)
    except RequestValidationError as error:
        if besides is None:
            raise
        wrong = {str(item["loc"][-1]) for item in error.errors()}
        raise RequestValidationError([*error.errors(), *await besides(values, wrong)]) from None


def check(model: type[Model], values: Mapping[str, str]) -> Model:
    """Read what was typed into a schema.

    Raises:
        RequestValidationError: something in it breaks a rule.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None


def refuse(name: str, sentence: str) -> NoReturn:
    """Refuse a field of a form for what only its page knows.

    Raises:
        RequestValidationError: always.
    """
    raise RequestValidationError([{"loc": ("body", name), "msg": sentence, "type": "value_error"}])


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
    return id_or(id, UserNotFound)


Person = Annotated[UUID, Depends(get_person)]


class ReasonForm(BaseModel):
    """Why, in the words of who decides."""

    reason: Reason = None


async def read_reason(request: Request) -> ReasonForm:
    """Read a form that holds a reason at most; where it is refused, the route has said where to go.

    Raises:
        RequestValidationError: the reason breaks the rule for texts.
    """
    return check(ReasonForm, await typed(request))


async def typed(request: Request) -> dict[str, str]:
    """Return what was typed into a form, field by field."""
    form = await request.form(max_files=0, max_fields=50)
    return {name: value.replace("\r\n", "\n") for name, value in form.items() if isinstance(value, str)}
