"""The ledger of mail, `/api/v1/messages`: what was sent to whom, sending again, and links to hand over."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from backend.models import Mail, MailState, User
from backend.routes.deps import CurrentAdmin, Look, Work
from backend.routes.paths import BY_ID
from backend.schemas.messages import LinkAnswer, MessageAnswer, MessageBody, MessageQuery, MessagesPage
from backend.stores.mails import WantedMails

router = APIRouter(prefix="/api/v1/messages", tags=["Messages"])


@router.get("")
async def list_messages(caller: CurrentAdmin, look: Look, query: Annotated[MessageQuery, Query()]) -> MessagesPage:
    """List messages, the newest first."""
    wanted = WantedMails(query.state, query.purpose, query.user_id)
    found = await look.messages.ledger(wanted, query.cursor, query.items_per_page)
    return MessagesPage(
        data=[_answer(mail, found.people[mail.user_id]) for mail in found.page.rows],
        total_count=found.total,
        has_more=found.page.next_cursor is not None,
        items_per_page=query.items_per_page,
        next_cursor=found.page.next_cursor,
        states=dict(found.states),
    )


@router.post("", status_code=201)
async def send(body: MessageBody, caller: CurrentAdmin, work: Work) -> MessageAnswer:
    """Send somebody a link to verify their address or to choose a new password."""
    mail = await work.messages.send(caller.id, body.user_id, body.purpose)
    return _answer(mail, await work.people.one(mail.user_id))


@router.post(BY_ID + "/again", status_code=201)
async def send_again(id: UUID, caller: CurrentAdmin, work: Work) -> MessageAnswer:  # noqa: A002
    """Send a message again; one that waits for its next attempt is tried at once."""
    mail = await work.messages.again(caller.id, id)
    return _answer(mail, await work.people.one(mail.user_id))


@router.post(BY_ID + "/link", status_code=201)
async def make_link(id: UUID, caller: CurrentAdmin, work: Work) -> LinkAnswer:  # noqa: A002
    """Make the one-time link of a message, to be handed over where no mail leaves."""
    link = await work.messages.link(caller.id, id)
    return LinkAnswer(link=link.url, expires_at=link.expires_at)


def _answer(mail: Mail, user: User) -> MessageAnswer:
    return MessageAnswer(
        id=mail.id,
        purpose=mail.purpose,
        state=mail.state,
        user_id=mail.user_id,
        username=user.username,
        email=user.email,
        about=mail.about,
        attempts=mail.attempts,
        why=mail.why,
        created_at=mail.created_at,
        due_at=mail.due_at if mail.state in {MailState.DUE, MailState.SENT} else None,
        sent_at=mail.sent_at,
    )
