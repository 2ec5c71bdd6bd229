"""From a due mail to the message that leaves: whether it is still true, with which token, and about what."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from backend.models import GONE, Mail, MailPurpose, Status, User, UserSession
from backend.notifiers import Message
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
}
"""What has to be so of somebody for a mail to be true at the moment at which it leaves."""


async def message_of(services: Services, mail: Mail) -> Message | None:
    """Write a mail for the person as they are now; None if it is not true any more, or there is nobody to read it."""
    user = await services.users.user_db.get(mail.user_id)
    if user is None or not still_true(mail.purpose, user):
        return None
    waiting = await services.people.waiting_count() if mail.purpose is MailPurpose.APPLICANTS_WAITING else 0
    if mail.purpose is MailPurpose.APPLICANTS_WAITING and not waiting:
        return None
    token, hours = None, None
    purpose = TOKENS.get(mail.purpose)
    if purpose:
        token, hours = await services.recovery.mint(user, purpose, mail.id), LIFETIME[purpose].total_seconds() / 3600
    settings = services.context.settings
    proven = user.is_verified and not mail.address
    written = _letters(settings.data_dir / FOLDER).write(
        mail.purpose,
        Letter(
            host=urlsplit(settings.public_url).netloc,
            public_url=settings.public_url,
            name=(user.full_name or user.username) if proven else None,
            username=user.username if proven else None,
            link=link_to(mail.purpose, settings.public_url, token),
            token=token,
            hours=round(hours) if hours else None,
            reason=user.decision_reason,
            pending=user.status is Status.PENDING,
            waiting=waiting,
            session=await _session_of(services, mail) if mail.purpose is MailPurpose.NEW_DEVICE else None,
        ),
    )
    return Message(mail.address or user.email, written.subject, written.text, written.html, str(mail.id))


def still_true(purpose: MailPurpose, user: User) -> bool:
    """Tell whether a mail of this purpose says what is so of somebody, and they are there to read it."""
    return user.status not in GONE and _LEAVE.get(purpose, bool)(user)


async def _session_of(services: Services, mail: Mail) -> UserSession | None:
    """Return the sign-in that a mail is about: the last one before it was queued."""
    before = [
        one for one in await services.session_store.of(mail.user_id, ended=True) if one.created_at <= mail.created_at
    ]
    return before[0] if before else None


@cache
def _letters(own: Path) -> Letters:
    return Letters(own)
