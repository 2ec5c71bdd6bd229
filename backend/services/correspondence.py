"""Turns a due mail into a message: whether it still applies, its token, and its values."""

from collections.abc import Callable, Mapping
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
from backend.services.wiring import Services

_STILL_TRUE: Final[Mapping[MailPurpose, Callable[[User], bool]]] = {
    MailPurpose.VERIFY_EMAIL: lambda user: not user.is_verified,
    MailPurpose.RESET_PASSWORD: lambda user: user.is_active,
    MailPurpose.REGISTRATION_RECEIVED: lambda user: user.status is Status.PENDING,
    MailPurpose.APPLICANTS_WAITING: lambda user: user.is_active and may(Act.DECIDE, user.role),
    MailPurpose.ACCOUNT_APPROVED: lambda user: user.is_active,
    MailPurpose.ACCOUNT_REJECTED: lambda user: user.status is Status.REJECTED,
    MailPurpose.ORGANIZATION_INVITATION: lambda user: user.is_active,
}
"""The condition under which a mail still applies to its account when it is sent; others always do."""

NAMING: Final = frozenset(
    {MailPurpose.ORGANIZATION_DELETED, MailPurpose.OWNERSHIP_RECEIVED, MailPurpose.MEMBERSHIP_ENDED}
)
"""Mails that name their organization. An invitation does not: to its reader the name is a stranger's text."""
_LIFETIMES: Final = {
    **{purpose: LIFETIME[kind] for purpose, kind in TOKENS.items()},
    MailPurpose.ORGANIZATION_INVITATION: invitations.LIFETIME,
}
HOURS: Final = {purpose: round(span / timedelta(hours=1)) for purpose, span in _LIFETIMES.items()}
"""For how many hours the token of a mail is good; other mails carry none."""


async def message_of(services: Services, mail: Mail) -> Message | None:
    """Write a mail for the person as they are now; None if it does not apply any more, or nobody can read it."""
    user = await services.users.get(mail.user_id)
    if user is None or not still_true(mail.purpose, user):
        return None
    waiting = await services.people.waiting_count() if mail.purpose is MailPurpose.APPLICANTS_WAITING else 0
    if mail.purpose is MailPurpose.APPLICANTS_WAITING and not waiting:
        return None
    token = await _token(services, mail, user)
    if token is None and mail.purpose in HOURS:
        return None
    settings, reader = services.context.settings, await _reader(services, mail, user)
    proven = reader is not None and reader.is_verified
    written = _letters(settings.data_dir / FOLDER).write(
        mail.purpose,
        Letter(
            host=urlsplit(settings.public_url).netloc,
            site=settings.site,
            contact=settings.way_to_ask,
            public_url=settings.public_url,
            name=reader.display_name if reader and proven else None,
            username=reader.username if reader and proven else None,
            link=link_to(mail.purpose, settings.public_url, token),
            token=token,
            hours=HOURS.get(mail.purpose),
            reason=user.decision_reason,
            pending=user.status is Status.PENDING,
            waiting=waiting,
            session=await _session_of(services, mail) if mail.purpose is MailPurpose.NEW_DEVICE else None,
            organization=mail.about if proven and mail.purpose in NAMING else None,
        ),
    )
    return Message(mail.address or user.email, written.subject, written.text, written.html, str(mail.id))


def still_true(purpose: MailPurpose, user: User) -> bool:
    """Tell whether a mail of this purpose still applies to somebody, and they can read it."""
    return user.status not in GONE and _STILL_TRUE.get(purpose, bool)(user)


async def _token(services: Services, mail: Mail, user: User) -> str | None:
    """Return a token for a mail that carries one; None if it carries none, or there is none any more."""
    if mail.purpose is MailPurpose.ORGANIZATION_INVITATION:
        return await services.offers.token_for(mail.invitation_id, mail.user_id) if mail.invitation_id else None
    purpose = TOKENS.get(mail.purpose)
    return await services.recovery.mint(user, purpose, mail.id) if purpose else None


async def _reader(services: Services, mail: Mail, user: User) -> User | None:
    """Return whose address a mail goes to; None if it is nobody's, or not any more."""
    if mail.address is None:
        return user
    if mail.purpose is not MailPurpose.ORGANIZATION_INVITATION:
        return None
    return await services.users.get_by_email(mail.address)


async def _session_of(services: Services, mail: Mail) -> UserSession | None:
    """Return the sign-in that a mail is about: the last one before it was queued."""
    before = [
        one for one in await services.session_store.of(mail.user_id, ended=True) if one.created_at <= mail.created_at
    ]
    return before[0] if before else None


@cache
def _letters(own: Path) -> Letters:
    return Letters(own)
