"""The courier: takes mail out of the outbox after the commit, mints its token, writes it and hands it over."""

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import structlog
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from backend.context import Context
from backend.models import GONE, Mail, MailPurpose, TokenPurpose, User, UserSession
from backend.notifiers import Message, Notifier
from backend.services.recovery import LIFETIME
from backend.services.work import Services, unit_of_work

_LOOK_AGAIN_SECONDS: Final = 30
_TOKENS: Final[Mapping[MailPurpose, TokenPurpose]] = {
    MailPurpose.VERIFY_EMAIL: TokenPurpose.VERIFY_EMAIL,
    MailPurpose.RESET_PASSWORD: TokenPurpose.RESET_PASSWORD,
}
_PAGES: Final[Mapping[MailPurpose, str]] = {
    MailPurpose.VERIFY_EMAIL: "/verify",
    MailPurpose.RESET_PASSWORD: "/reset-password",
    MailPurpose.ACCOUNT_APPROVED: "/login",
    MailPurpose.NEW_DEVICE: "/devices",
    MailPurpose.REFRESH_REUSE: "/devices",
}
_templates: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent.parent / "templates" / "mail"),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701  # plain text
    trim_blocks=True,
    lstrip_blocks=True,
)
_log = structlog.get_logger("vestibule.courier")


async def carry(context: Context, notifier: Notifier) -> None:
    """Send mail as it becomes due, until the process stops."""
    while not context.stopping.is_set():
        context.mail_due.clear()
        try:
            while not context.stopping.is_set() and await deliver(context, notifier):
                pass
        except Exception:  # noqa: BLE001  # a notifier may fail in any way; the mail stays due and is tried again
            _log.exception("courier_failed")
        if context.stopping.is_set():
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_AGAIN_SECONDS):
                await context.mail_due.wait()


async def deliver(context: Context, notifier: Notifier) -> bool:
    """Send the mail that has been due longest; False if none is.

    It is marked as sent in the transaction in which its token is minted: a crash in between sends it again with a new
    token, and the old one, which nobody may have seen, is worthless.
    """
    async with unit_of_work(context) as services:
        mail = await services.mails.claim()
        if mail is None:
            return False
        message = await _write(services, mail)
        if message:
            await notifier.send(message)
        await services.mails.sent(mail, context.clock.now())
        return True


async def _write(services: Services, mail: Mail) -> Message | None:
    """Write a mail for the person as they are now; None if there is nobody to write to any more."""
    user = await services.users.user_db.get(mail.user_id)
    if user is None or user.status in GONE:
        return None
    token, hours = None, None
    purpose = _TOKENS.get(mail.purpose)
    if purpose:
        token, hours = await services.recovery.mint(user, purpose), LIFETIME[purpose].total_seconds() / 3600
    session = await _session_of(services, mail) if mail.purpose is MailPurpose.NEW_DEVICE else None
    return _compose(user, mail.purpose, services.context.settings.public_url, token=token, hours=hours, session=session)


async def _session_of(services: Services, mail: Mail) -> UserSession | None:
    """Return the sign-in that a mail is about: the last one before it was queued."""
    before = [
        one for one in await services.session_store.of(mail.user_id, ended=True) if one.created_at <= mail.created_at
    ]
    return before[0] if before else None


def _compose(
    user: User,
    purpose: MailPurpose,
    public_url: str,
    *,
    token: str | None,
    hours: float | None,
    session: UserSession | None,
) -> Message:
    page = _PAGES.get(purpose)
    fragment = f"#token={token}" if token else ""
    text = _templates.get_template(f"{purpose}.txt").render(
        user=user,
        token=token,
        link=f"{public_url}{page}{fragment}" if page else None,
        hours=round(hours) if hours else None,
        reason=user.decision_reason,
        public_url=public_url,
        session=session,
    )
    first, _, body = text.partition("\n")
    return Message(user.email, first.removeprefix("Subject:").strip(), body.strip())
