"""From a due mail to the message that leaves: whether it is still true, with which token, and about what."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from backend.models import GONE, Mail, MailPurpose, Status, User, UserSession
from backend.notifiers import Message
from backend.services import invitations
from backend.services.letters import FOLDER, Letter, Letters
from backend.services.messages import TOKENS, link_to
from backend.services.recovery import LIFETIME
from backend.services.rights import Act, may
from backend.services.work import Services

_LEAVE: Final[Mapping[MailPurpose, Callable[[User], bool]]] = {
    MailPurpose.VERIFY_EMAIL: lambda user: not user.is_verified,
    MailPurpose.RESET_PASSWORD: lambda user: user.is_active,
    MailPurpose.REGISTRATION_RECEIVED: lambda user: user.status is Status.PENDING,
    MailPurpose.APPLICANTS_WAITING: lambda user: user.is_active and may(Act.DECIDE, user.role),
    MailPurpose.ACCOUNT_APPROVED: lambda user: user.is_active,
    MailPurpose.ACCOUNT_REJECTED: lambda user: user.status is Status.REJECTED,
    MailPurpose.ORGANIZATION_INVITATION: lambda user: user.is_active,
}
"""What has to be so of somebody for a mail to be true at the moment at which it leaves."""

_NAMING: Final = frozenset(
    {MailPurpose.ORGANIZATION_DELETED, MailPurpose.OWNERSHIP_RECEIVED, MailPurpose.MEMBERSHIP_ENDED}
)
"""Mails that say what an organization is called, to its people. To whoever is invited it is a stranger's text."""


async def message_of(services: Services, mail: Mail) -> Message | None:
    """Write a mail for the person as they are now; None if it is not true any more, or there is nobody to read it."""
    user = await services.users.user_db.get(mail.user_id)
    if user is None or not still_true(mail.purpose, user):
        return None
    waiting = await services.people.waiting_count() if mail.purpose is MailPurpose.APPLICANTS_WAITING else 0
    if mail.purpose is MailPurpose.APPLICANTS_WAITING and not waiting:
        return None
    enclosed = await _enclosed(services, mail, user)
    if enclosed.missing:
        return None
    settings, reader = services.context.settings, await _reader(services, mail, user)
    proven = reader is not None and reader.is_verified
    written = _letters(settings.data_dir / FOLDER).write(
        mail.purpose,
        Letter(
            host=urlsplit(settings.public_url).netloc,
            public_url=settings.public_url,
            name=(reader.full_name or reader.username) if reader and proven else None,
            username=reader.username if reader and proven else None,
            link=link_to(mail.purpose, settings.public_url, enclosed.token),
            token=enclosed.token,
            hours=enclosed.hours,
            reason=user.decision_reason,
            pending=user.status is Status.PENDING,
            waiting=waiting,
            session=await _session_of(services, mail) if mail.purpose is MailPurpose.NEW_DEVICE else None,
            organization=mail.about if proven and mail.purpose in _NAMING else None,
        ),
    )
    return Message(mail.address or user.email, written.subject, written.text, written.html, str(mail.id))


def still_true(purpose: MailPurpose, user: User) -> bool:
    """Tell whether a mail of this purpose says what is so of somebody, and they are there to read it."""
    return user.status not in GONE and _LEAVE.get(purpose, bool)(user)


@dataclass(frozen=True)
class _Enclosed:
    """The token that a mail carries, if it is of a kind that does, and for how many hours it is good."""

    token: str | None = None
    hours: int | None = None
    missing: bool = False
    """It should carry one, and there is none any more."""


async def _enclosed(services: Services, mail: Mail, user: User) -> _Enclosed:
    if mail.purpose is MailPurpose.ORGANIZATION_INVITATION:
        token = await services.offers.token_for(mail.invitation_id, mail.user_id) if mail.invitation_id else None
        return _Enclosed(token, _hours(invitations.LIFETIME), missing=token is None)
    purpose = TOKENS.get(mail.purpose)
    if purpose is None:
        return _Enclosed()
    return _Enclosed(await services.recovery.mint(user, purpose, mail.id), _hours(LIFETIME[purpose]))


async def _reader(services: Services, mail: Mail, user: User) -> User | None:
    """Return whose address a mail goes to; None if it is nobody's, or not any more."""
    if mail.address is None:
        return user
    if mail.purpose is not MailPurpose.ORGANIZATION_INVITATION:
        return None
    return await services.users.user_db.get_by_email(mail.address)


def _hours(span: timedelta) -> int:
    return round(span.total_seconds() / 3600)


async def _session_of(services: Services, mail: Mail) -> UserSession | None:
    """Return the sign-in that a mail is about: the last one before it was queued."""
    before = [
        one for one in await services.session_store.of(mail.user_id, ended=True) if one.created_at <= mail.created_at
    ]
    return before[0] if before else None


@cache
def _letters(own: Path) -> Letters:
    return Letters(own)
