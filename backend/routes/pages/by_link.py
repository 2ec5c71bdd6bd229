"""How an administrator helps somebody by a link: sent by mail, or handed over where no mail leaves."""

from typing import Final
from uuid import UUID

from backend.models import GONE, MailPurpose, User
from backend.routes.pages.acts import Act, Action, Done, Group, Said
from backend.services import Services

_UNTIL_THEN: Final = "Their current password works until they choose a new one. Then they are signed out everywhere."
_OLDER_LINKS: Final = "Earlier links of this kind stop working."
_ON_RECORD: Final = "This is logged."


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
        "Send password reset link",
        "Send {name} a password reset link?",
        "A reset link is on its way to {name}.",
        ("A mail with a link goes to {email}. The link works once, for one hour.", _UNTIL_THEN, _OLDER_LINKS),
        _active,
        _send(MailPurpose.RESET_PASSWORD),
        Group.SIGN_IN,
        wants_reason=False,
        by_mail=True,
    ),
    Action(
        "send-verification",
        "Send confirmation link",
        "Send {name} a link to confirm the email address?",
        "A confirmation link is on its way to {name}.",
        ("A mail with a link goes to {email}. The link works once, for one day.", _OLDER_LINKS),
        _unproven,
        _send(MailPurpose.VERIFY_EMAIL),
        Group.SIGN_IN,
        wants_reason=False,
        by_mail=True,
    ),
    Action(
        "make-reset-link",
        "Create password reset link",
        "Create a password reset link for {name}?",
        "A reset link for {name} was created.",
        (
            "You see the link once, and give it to them yourself. It works once, for one hour.",
            _UNTIL_THEN,
            _OLDER_LINKS,
            _ON_RECORD,
        ),
        _active,
        _hand_over(MailPurpose.RESET_PASSWORD),
        Group.SIGN_IN,
        wants_reason=False,
        by_mail=False,
    ),
    Action(
        "make-verification-link",
        "Create confirmation link",
        "Create a link for {name} to confirm the email address?",
        "A confirmation link for {name} was created.",
        (
            "You see the link once, and give it to them yourself. It works once, for one day.",
            "Opening it confirms {email} for this account. Make sure that the address is theirs.",
            _OLDER_LINKS,
            _ON_RECORD,
        ),
        _unproven,
        _hand_over(MailPurpose.VERIFY_EMAIL),
        Group.SIGN_IN,
        wants_reason=False,
        by_mail=False,
    ),
)
