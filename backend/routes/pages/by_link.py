"""How an administrator helps somebody by a link: sent by mail, or handed over where no mail leaves."""

from typing import Final
from uuid import UUID

from backend.models import GONE, MailPurpose, User
from backend.routes.pages.acts import Act, Action, Done, Said
from backend.services import Services

_UNTIL_THEN: Final = "Their present password works until they choose a new one; then they are signed out everywhere."
_OLDER_LINKS: Final = "Links of this kind that they were given before work no more."
_ON_RECORD: Final = "That you made it is on record."


def _active(user: User) -> bool:
    return user.is_active


def _unproven(user: User) -> bool:
    return not user.is_verified and user.status not in GONE


def _send(purpose: MailPurpose) -> Act:
    async def sent(work: Services, by: UUID, whom: UUID, said: Said) -> Done:
        await work.messages.send(by, whom, purpose)
        return Done(await work.people.one(whom))

    return sent


def _hand_over(purpose: MailPurpose) -> Act:
    async def made(work: Services, by: UUID, whom: UUID, said: Said) -> Done:
        mail = await work.messages.send(by, whom, purpose)
        return Done(await work.people.one(whom), link=await work.messages.link(by, mail.id))

    return made


BY_LINK: Final = (
    Action(
        "send-reset-link",
        "Send a link to choose a new password",
        "Send {name} a link to choose a new password?",
        "A mail with a link is on its way to {name}.",
        ("A mail with a link goes to {email}. The link works once, for an hour.", _UNTIL_THEN, _OLDER_LINKS),
        _active,
        _send(MailPurpose.RESET_PASSWORD),
        wants_reason=False,
        by_mail=True,
    ),
    Action(
        "send-verification",
        "Send the verification mail again",
        "Send {name} the verification mail again?",
        "A mail with a link is on its way to {name}.",
        ("A mail with a link goes to {email}. The link works once, for a day.", _OLDER_LINKS),
        _unproven,
        _send(MailPurpose.VERIFY_EMAIL),
        wants_reason=False,
        by_mail=True,
    ),
    Action(
        "make-reset-link",
        "Make a link to choose a new password",
        "Make a link with which {name} chooses a new password?",
        "There is a link for {name}.",
        (
            "You see the link once, and hand it over yourself. It works once, for an hour.",
            _UNTIL_THEN,
            _OLDER_LINKS,
            _ON_RECORD,
        ),
        _active,
        _hand_over(MailPurpose.RESET_PASSWORD),
        wants_reason=False,
        by_mail=False,
    ),
    Action(
        "make-verification-link",
        "Make a link to confirm the address",
        "Make a link with which {name} confirms the address?",
        "There is a link for {name}.",
        (
            "You see the link once, and hand it over yourself. It works once, for a day.",
            "Whoever opens it confirms {email} for this account: make sure that the address is theirs.",
            _OLDER_LINKS,
            _ON_RECORD,
        ),
        _unproven,
        _hand_over(MailPurpose.VERIFY_EMAIL),
        wants_reason=False,
        by_mail=False,
    ),
)
