"""The ledger of mail, for administrators: what was sent, what was not and why, and sending again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from backend.context import Context
from backend.errors import (
    AlreadyVerified,
    MailEnabled,
    MessageNotFound,
    MessageUnderWay,
    NoLink,
    NoMailServer,
    ResetOfInactive,
    VestibuleError,
)
from backend.models import GONE, Mail, MailPurpose, MailState, TokenPurpose, User
from backend.services.audit import Action, Audit
from backend.services.lifecycle import Lifecycle
from backend.services.outbox import Outbox
from backend.services.recovery import LIFETIME, Recovery
from backend.services.rights import Act
from backend.settings import Settings
from backend.stores.mails import MailStore, WantedMails
from backend.stores.pages import Page

TOKENS: Final[Mapping[MailPurpose, TokenPurpose]] = {
    MailPurpose.VERIFY_EMAIL: TokenPurpose.VERIFY_EMAIL,
    MailPurpose.RESET_PASSWORD: TokenPurpose.RESET_PASSWORD,
}
"""Mails that carry a one-time token, and of which kind."""
_PAGES: Final[Mapping[MailPurpose, str]] = {
    MailPurpose.VERIFY_EMAIL: "/verify",
    MailPurpose.RESET_PASSWORD: "/reset-password",
    MailPurpose.REGISTRATION_RECEIVED: "/login",
    MailPurpose.ALREADY_REGISTERED: "/login",
    MailPurpose.APPLICANTS_WAITING: "/approvals",
    MailPurpose.ACCOUNT_APPROVED: "/login",
    MailPurpose.PASSWORD_CHANGED: "/forgot-password",
    MailPurpose.USERNAME_CHANGED: "/account",
    MailPurpose.NEW_DEVICE: "/devices",
    MailPurpose.REFRESH_REUSE: "/devices",
    MailPurpose.SIGN_IN_BLOCKED: "/forgot-password",
    MailPurpose.ORGANIZATION_INVITATION: "/invitation",
    MailPurpose.ORGANIZATION_DELETED: "/organizations",
    MailPurpose.OWNERSHIP_RECEIVED: "/organizations",
    MailPurpose.MEMBERSHIP_ENDED: "/organizations",
}
_OF_A_MOMENT: Final[Mapping[MailPurpose, str]] = {
    MailPurpose.EMAIL_CHANGED: "The old email address is deleted as soon as this mail was sent.",
    MailPurpose.NEW_DEVICE: "It was about one sign-in. A new mail would be about the latest one.",
    MailPurpose.ORGANIZATION_INVITATION: "Send the invitation again on the page of its organization.",
}
"""Mails that cannot be written again as they were, and why."""
HANDED_OVER: Final = "An administrator shared its link."


@dataclass(frozen=True)
class Link:
    """What an administrator hands over where no mail leaves, what for and to whom; shown once."""

    url: str
    expires_at: datetime
    purpose: MailPurpose
    user_id: UUID


@dataclass(frozen=True)
class Ledger:
    """A page of the ledger, with whom its mails went to, and how many like them there are in each state."""

    page: Page[Mail]
    people: Mapping[UUID, User]
    total: int
    states: Mapping[MailState, int]


@dataclass(frozen=True)
class Messages:
    """Reads the ledger and sends by hand, within one transaction. `admin` is who acts; None is the command line."""

    context: Context
    store: MailStore
    lifecycle: Lifecycle
    outbox: Outbox
    recovery: Recovery
    audit: Audit

    async def ledger(self, wanted: WantedMails, cursor: str | None, limit: int) -> Ledger:
        """Return a page, the newest mails first.

        Raises:
            InvalidCursor: the cursor is not one that an earlier page handed out.
        """
        page = await self.store.page(wanted, cursor, limit)
        people = await self.lifecycle.users.some({mail.user_id for mail in page.rows})
        states = await self.store.states(wanted)
        return Ledger(page, {user.id: user for user in people}, await self.store.count(wanted), states)

    async def send(self, admin: UUID | None, user_id: UUID, purpose: MailPurpose) -> Mail:
        """Send somebody a link to prove their address or to choose a new password, as they could ask for themselves.

        Without a mail server the mail is only noted, and its link can be handed over.

        Raises:
            UserNotFound, AlreadyVerified, ResetOfInactive, NoLink: there is no such link for them.
        """
        user = await self.lifecycle.account(user_id, by=admin, act=Act.SEND_MAIL)
        _check(user, purpose)
        return await self._queue(admin, user, purpose)

    async def again(self, admin: UUID | None, id_: UUID) -> Mail:
        """Send a mail again: one that waits for its next attempt at once, any other one as a new mail.

        Raises:
            MessageNotFound, UserNotFound: there is no such mail, or nobody to read it.
            MessageUnderWay: it is being sent at this moment.
            NoMailServer: it would go nowhere.
            AlreadyVerified, ResetOfInactive, NoLink: it would not be true any more.
        """
        mail, user = await self._mail(admin, id_)
        _check_again(self.context.settings, mail, user)
        if mail.state is MailState.DUE:
            await self.store.hurry(mail, self.context.clock.now())
            await self._record(Action.MAIL_SENT_BY_ADMIN, admin, mail)
            self.outbox.wake()
            return mail
        return await self._queue(admin, user, mail.purpose, about=mail.about)

    async def link(self, admin: UUID | None, id_: UUID) -> Link:
        """Make the link of a mail that could not leave, for an administrator to hand over; older ones are voided.

        Raises:
            MailEnabled: where mail works, links reach their person and nobody else (ASVS 6.4.6).
            MessageNotFound, UserNotFound: there is no such mail, or nobody for it.
            NoLink, AlreadyVerified, ResetOfInactive: it has none, or not any more.
        """
        if self.context.settings.mail_enabled:
            raise MailEnabled("This server sends mail, so links are only sent to the person by mail.")
        mail, user = await self._mail(admin, id_)
        _check(user, mail.purpose)
        purpose, now = TOKENS[mail.purpose], self.context.clock.now()
        await self.recovery.one_time_tokens.void(user.id, purpose, now)  # also those made for this very mail
        token = await self.recovery.mint(user, purpose, mail.id)
        await self.store.note(mail, HANDED_OVER)
        await self._record(Action.LINK_MADE, admin, mail)
        url = link_to(mail.purpose, self.context.settings.public_url, token)
        return Link(url or "", now + LIFETIME[purpose], mail.purpose, user.id)

    async def _mail(self, admin: UUID | None, id_: UUID) -> tuple[Mail, User]:
        await self.lifecycle.check_rights(admin, Act.SEND_MAIL, oneself=False)
        reader = await self.store.reader(id_)
        if reader is None:
            raise MessageNotFound
        user = await self.lifecycle.account(reader, by=admin, act=Act.SEND_MAIL)
        mail = await self.store.get(id_)
        if mail is None:
            raise MessageNotFound
        return mail, user

    async def _queue(self, admin: UUID | None, user: User, purpose: MailPurpose, *, about: str | None = None) -> Mail:
        await self.outbox.queue(purpose, user, about=about, unlimited=True)
        mail = await self.store.last(purpose, user.id)
        await self._record(Action.MAIL_SENT_BY_ADMIN, admin, mail)
        return mail

    async def _record(self, action: Action, admin: UUID | None, mail: Mail) -> None:
        await self.audit.record(action, target=mail.user_id, actor=admin, mail_id=str(mail.id), purpose=mail.purpose)


def link_to(purpose: MailPurpose, public_url: str, token: str | None) -> str | None:
    """Return where a mail of this purpose leads; None if nowhere.

    The token stands in the fragment, which no server and no log gets to see.
    """
    page = _PAGES.get(purpose)
    return f"{public_url}{page}{f'#token={token}' if token else ''}" if page else None


def can_go_again(settings: Settings, mail: Mail, user: User) -> bool:
    """Tell whether `Messages.again` would take this mail."""
    return _passes(lambda: _check_again(settings, mail, user), user)


def can_be_handed_over(settings: Settings, mail: Mail, user: User) -> bool:
    """Tell whether `Messages.link` would take this mail."""
    return not settings.mail_enabled and _passes(lambda: _check(user, mail.purpose), user)


def _passes(check: Callable[[], None], user: User) -> bool:
    try:
        check()
    except VestibuleError:
        return False
    return user.status not in GONE


def _check_again(settings: Settings, mail: Mail, user: User) -> None:
    if settings.mail_goes_nowhere:
        raise NoMailServer
    if mail.state is MailState.SENT:
        raise MessageUnderWay
    if mail.state is not MailState.DUE and mail.purpose in _OF_A_MOMENT:
        raise NoLink(_OF_A_MOMENT[mail.purpose])
    if mail.purpose in TOKENS:
        _check(user, mail.purpose)


def _check(user: User, purpose: MailPurpose) -> None:
    if purpose not in TOKENS:
        raise NoLink
    if purpose is MailPurpose.RESET_PASSWORD and not user.is_active:
        raise ResetOfInactive
    if purpose is MailPurpose.VERIFY_EMAIL and user.is_verified:
        raise AlreadyVerified
