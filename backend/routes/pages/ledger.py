"""Mail: what was sent to whom, what was not and why, and the way to help."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import quote, urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, ValidationError

from backend.errors import MessageNotFound
from backend.identifiers import id_or
from backend.models import Mail, MailPurpose, MailState, User
from backend.routes.deps import CurrentAdmin, InContext, Look, Work
from backend.routes.pages.forms import Form, come_back
from backend.routes.pages.rendering import at_the_desk, go, go_saying, mail_of, page
from backend.routes.pages.words import MAIL_STATES, MAILS
from backend.services.correspondence import still_true
from backend.services.messages import can_be_handed_over, can_go_again
from backend.settings import Settings
from backend.stores.mails import WantedMails

router = APIRouter(include_in_schema=False)

_PER_PAGE: Final = 50
_HERE: Final = "/messages"
_PURPOSES: Final = (("", "Any type"), *MAILS.items())
_MEANING: Final[Mapping[MailState, str]] = {
    MailState.DUE: "Waiting for the first attempt, or for the next attempt after a temporary failure.",
    MailState.SENT: "Being handed to the mail server, which has not answered yet.",
    MailState.ACCEPTED: "The mail server accepted these mails. We cannot know whether they were read.",
    MailState.FAILED: "The mail server rejected these mails, or could not be reached for too long.",
    MailState.SUPPRESSED: "Never sent: there was no mail server, there were too many mails, or they were out of date.",
}
_ON_ITS_WAY: Final = {
    "sent": "A mail to {name} is on its way: {what}.",
    "shown": "A mail to {name} is printed to the console of the server: {what}.",
}


class Search(BaseModel):
    """Which mails, as the address of the list says it."""

    state: MailState | None = None
    purpose: MailPurpose | None = None
    user: UUID | None = None
    cursor: str | None = None

    def at(self, state: MailState | None) -> str:
        """Return the address of the first page of this list, with the mails in another state or in all of them."""
        return self.model_copy(update={"state": state}).address

    @property
    def address(self) -> str:
        """The first page of this list."""
        asked = self.model_dump(exclude={"cursor"}, exclude_none=True, mode="json")
        return _HERE + ("?" + urlencode(asked, quote_via=quote) if asked else "")

    @property
    def of_everybody(self) -> str:
        """The first page of the same list without the person."""
        return self.model_copy(update={"user": None}).address


@dataclass(frozen=True)
class Asked:
    """A search, as far as it can be understood, and what is said about the rest."""

    search: Search
    form: Form | None = None


@dataclass(frozen=True)
class Choice:
    """A state in which mails can be, with how many are in it, and where the list of them is."""

    words: str
    count: int
    address: str
    here: bool


@dataclass(frozen=True)
class Line:
    """A mail as the list shows it, and what can be done about it."""

    mail: Mail
    user: User
    can_go_again: bool
    can_be_handed_over: bool

    @classmethod
    def of(cls, settings: Settings, mail: Mail, user: User) -> "Line":
        """Ask the rules what can be done."""
        again = can_go_again(settings, mail, user) and still_true(mail.purpose, user)
        return cls(mail, user, again, can_be_handed_over(settings, mail, user))


async def read_search(request: Request, caller: CurrentAdmin) -> Asked:
    """Read the search from the address; what makes no sense is left out, and the page says so."""
    values = {name: value for name, value in request.query_params.items() if value}
    try:
        return Asked(Search.model_validate(values))
    except ValidationError as error:
        wrong = {str(item["loc"][0]) for item in error.errors()}
    understood = {name: value for name, value in values.items() if name not in wrong}
    sentence = "Part of this address is not valid and was ignored."
    return Asked(Search.model_validate(understood), Form({}, {}, sentence))


async def stay_here(request: Request, caller: CurrentAdmin) -> str:
    """Come back to the same list, whatever comes of a button."""
    return await come_back(request, _HERE)


async def get_message(id: str) -> UUID:  # noqa: A002
    """Return the mail a path names.

    Raises:
        MessageNotFound: the path names none.
    """
    return id_or(id, MessageNotFound)


Here = Annotated[str, Depends(stay_here)]
Message = Annotated[UUID, Depends(get_message)]


@router.get(_HERE)
async def show_messages(
    request: Request,
    caller: CurrentAdmin,
    look: Look,
    context: InContext,
    asked: Annotated[Asked, Depends(read_search)],
) -> Response:
    """Show mails, the newest first: all of them, or those that were asked for."""
    search, settings = asked.search, context.settings
    person = await look.people.one(search.user, gone=True) if search.user else None
    wanted = WantedMails(search.state, search.purpose, search.user)
    found = await look.messages.ledger(wanted, search.cursor, _PER_PAGE)
    return page(
        request,
        "messages.html",
        status=422 if asked.form else 200,
        lines=[Line.of(settings, mail, found.people[mail.user_id]) for mail in found.page.rows],
        total=found.total,
        choices=_choices(search, found.states),
        meaning=_MEANING[search.state] if search.state else None,
        purposes=_PURPOSES,
        person=person,
        search=search,
        form=asked.form,
        mail=mail_of(settings),
        now=context.clock.now(),
        next_cursor=found.page.next_cursor,
        **await at_the_desk(look, "messages"),
    )


@router.get("/messages/{id}/{action}")
async def find_messages(caller: CurrentAdmin) -> Response:
    """Lead back to the list whoever comes to the address of one of its buttons again."""
    return go(_HERE)


@router.post("/messages/{id}/again")
async def send_again(
    request: Request, here: Here, caller: CurrentAdmin, message: Message, work: Work, context: InContext
) -> Response:
    """Send a mail again, or at once if it waits for its next attempt."""
    mail = await work.messages.again(caller.id, message)
    user = await work.people.one(mail.user_id)
    sentence = _ON_ITS_WAY["sent" if context.settings.mail_enabled else "shown"]
    return go_saying(request, here, sentence.format(name=user.display_name, what=MAILS[mail.purpose]))


@router.post("/messages/{id}/link")
async def make_link(request: Request, here: Here, caller: CurrentAdmin, message: Message, work: Work) -> Response:
    """Make the one-time link of a mail that did not leave, and show it once."""
    link = await work.messages.link(caller.id, message)
    return page(
        request,
        "link.html",
        link=link,
        user=await work.people.one(link.user_id),
        then=here,
        **await at_the_desk(work, "messages"),
    )


def _choices(search: Search, counts: Mapping[MailState, int]) -> list[Choice]:
    every = Choice("All", sum(counts.values()), search.at(None), here=search.state is None)
    each = (Choice(words, counts[one], search.at(one), one is search.state) for one, words in MAIL_STATES.items())
    return [every, *each]
