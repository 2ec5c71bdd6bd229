"""A page that says what a button will do and to whom, and asks: one for every act that has no form of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel

from backend.identifiers import caseless
from backend.routes.pages.forms import read_form, refuse
from backend.routes.pages.rendering import page
from backend.schemas.types import Text

_TEMPLATE: Final = "question.html"


@dataclass(frozen=True)
class Question:
    """What is asked, what a yes does, and where each answer leads."""

    title: str
    consequences: Sequence[str]
    label: str
    path: str
    """Where a yes is sent."""
    back: str
    back_to: str
    lead: str | None = None
    danger: bool = False
    typed: str | None = None
    """The name that has to be typed, where there is no way back."""
    instead: str | None = None
    """Why it cannot be done at present, and what to do first."""
    way: tuple[str, str] | None = None
    """Where that can be done, and what the button there is called."""


class Answer(BaseModel):
    """A yes, with the name that shows what is meant."""

    typed_name: Text = ""


def ask(request: Request, question: Question, about: Mapping[str, Any]) -> Response:
    """Show the question."""
    return page(request, _TEMPLATE, question=question, **about)


async def read_answer(request: Request, question: Question, about: Mapping[str, Any]) -> None:
    """Read a yes; the question comes back, with what was typed, if it is no yes or the act is refused.

    Raises:
        RequestValidationError: another name was typed.
    """
    form = await read_form(request, Answer, _TEMPLATE, {"question": question, **about})
    if question.typed is not None and caseless(form.typed_name.strip()) != caseless(question.typed):
        refuse("typed_name", f"Type the name {question.typed} to confirm.")
