"""The two ways in: `reading` for questions, `unit_of_work` for everything that changes something."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog

from backend.context import Context
from backend.errors import DatabaseUnavailable
from backend.services.administration import Administration
from backend.services.admission import Admission
from backend.services.audit import Audit, Origin
from backend.services.audit_trail import AuditTrail
from backend.services.bootstrap import Bootstrap
from backend.services.by_name import ByName
from backend.services.closing import Closing
from backend.services.decisions import Decisions
from backend.services.erasure import Erasure
from backend.services.founding import Founding
from backend.services.invitation_delivery import Delivery
from backend.services.invitations import Invitations
from backend.services.lifecycle import Lifecycle
from backend.services.measures import Measuring
from backend.services.messages import Messages
from backend.services.offers import Offers
from backend.services.organization_entry import Entry
from backend.services.organizations import Organizations
from backend.services.outbox import Outbox
from backend.services.overview import Overview
from backend.services.people import People
from backend.services.profile import Profile
from backend.services.recovery import Recovery
from backend.services.renaming import Renaming
from backend.services.session_rules import Rules
from backend.services.sessions import Sessions
from backend.services.statistics import Statistics
from backend.services.succession import Succession
from backend.services.throttle import Throttle
from backend.services.tier_limits import TierLimits
from backend.services.tiers import Tiers
from backend.services.user_manager import UserManager
from backend.stores.audit import AuditStore
from backend.stores.bulk_calls import BulkCallStore
from backend.stores.identifiers import IdentifierStore
from backend.stores.installation import InstallationStore
from backend.stores.invitations import InvitationStore
from backend.stores.listings import ListingStore
from backend.stores.mails import MailStore
from backend.stores.memberships import MembershipStore
from backend.stores.news import Changes
from backend.stores.one_time_tokens import OneTimeTokenStore
from backend.stores.organizations import OrganizationStore
from backend.stores.past import PastStore
from backend.stores.sessions import SessionStore
from backend.stores.tiers import TierStore
from backend.stores.users import UserStore

if TYPE_CHECKING:
    from sqlmodel.ext.asyncio.session import AsyncSession

_log = structlog.get_logger("vestibule")
_NOWHERE = Origin()


class Services:
    """All services over one transaction."""

    def __init__(self, context: Context, session: "AsyncSession", origin: Origin) -> None:
        """Put the services together over one database session."""
        self.changes = Changes()
        users, identifiers = UserStore(session, self.changes), IdentifierStore(session)
        one_time_tokens, installation = OneTimeTokenStore(session), InstallationStore(session)
        clock, throttle = context.clock, Throttle.of(context)
        self.context = context
        self._afterwards: list[Callable[[], Awaitable[None]]] = []
        self.installation = installation
        self.session_store = SessionStore(session, self.changes)
        self.mails = MailStore(session)
        self.past = PastStore(session)
        organizations, memberships = OrganizationStore(session), MembershipStore(session)
        self.invitation_store = InvitationStore(session)
        self.bulk_calls = BulkCallStore(session, clock)
        self.audit = Audit(AuditStore(session), clock, origin, self._afterwards.append)
        settings = context.settings
        self.outbox = Outbox(
            self.mails, clock, self._afterwards.append, context.mail_due.set, leaves=not settings.mail_goes_nowhere
        )
        rules = Rules.of(settings)
        self.sessions = Sessions(
            self.session_store,
            users,
            memberships if settings.organizations_in_token else None,
            self.audit,
            self.outbox,
            clock,
            context.signer,
            rules,
            context.touches,
        )
        self.bootstrap = Bootstrap(installation, self.audit, clock, settings.bootstrap_by_token)
        self.lifecycle = Lifecycle(users, installation, self.sessions, self.audit, clock)
        self.recovery = Recovery(context, users, one_time_tokens, self.sessions, self.outbox, self.audit, throttle)
        self.messages = Messages(context, self.mails, self.lifecycle, self.outbox, self.recovery, self.audit)
        self.decisions = Decisions(context, self.lifecycle, self.outbox)
        renaming = Renaming(identifiers, one_time_tokens, self.outbox, clock, proofs=settings.send_verification_emails)
        self.closing = Closing(context, self.lifecycle, renaming, self._afterwards.append)
        founding = Founding(organizations, memberships, self.audit, clock)
        entry = Entry(users, organizations, memberships)
        self.organizations = Organizations(
            entry, founding, self.invitation_store, self.outbox, self.audit, clock, throttle
        )
        delivery = Delivery(context, self.invitation_store, self.outbox)
        self.invitations = Invitations(context, entry, self.invitation_store, delivery, self.audit, throttle)
        self.offers = Offers(context, entry, self.invitation_store, delivery, self.audit)
        succession = Succession(organizations, memberships, self.invitation_store, self.outbox, self.audit, clock)
        self.admission = Admission(
            context,
            identifiers,
            self.lifecycle,
            self.bootstrap,
            founding,
            self.outbox,
            throttle,
            self._afterwards.append,
        )
        self.users = UserManager(context, self.lifecycle, self.admission, self.recovery, self.decisions, self.closing)
        self.erasure = Erasure(
            context, self.lifecycle, identifiers, one_time_tokens, self.mails, succession, self._afterwards.append
        )
        self.people = People(users, ListingStore(session, indexed=context.database.search_indexed), self.audit.store)
        self.audit_trail = AuditTrail(self.audit.store, self.people)
        tier_store = TierStore(session)
        self.tiers = Tiers(context, tier_store, self.people, self.lifecycle, self._afterwards.append)
        self.tier_limits = TierLimits(self.tiers, tier_store)
        self.administration = Administration(
            context,
            users,
            one_time_tokens,
            renaming,
            self.admission,
            self.decisions,
            self.lifecycle,
            self.closing,
            self.tiers,
            self.recovery,
            self.audit,
        )
        self.profile = Profile(context, installation, users, renaming, self.recovery)
        self.by_name = ByName(self.people, self.profile, self.administration, self.closing, self.erasure)
        self.measuring = Measuring(users, self.session_store, self.mails, rules, clock)
        self.statistics = Statistics(users, clock)
        self.overview = Overview(context, self.people, self.mails, self.statistics)

    async def committed(self) -> None:
        """Run what waited for the commit. A failure here is logged; the reconciler and the courier try again."""
        for act in self._afterwards:
            try:
                await act()
            except Exception:  # noqa: BLE001  # the change is saved; what follows it must not undo the answer
                _log.exception("after_commit_failed")


@asynccontextmanager
async def unit_of_work(context: Context, origin: Origin = _NOWHERE) -> AsyncIterator[Services]:
    """Open one writing transaction; it is saved when the block ends, and undone whole if the block raises.

    Raises:
        DatabaseUnavailable: the database does not answer; nothing was changed.
    """
    services = None
    try:
        async with context.database.writing() as session:
            services = Services(context, session, origin)
            yield services
            await context.news.within(session, services.changes)
    except DatabaseUnavailable:
        if services:
            await context.news.doubt(services.changes)
        raise
    await context.news.after(services.changes)
    await services.committed()


@asynccontextmanager
async def reading(context: Context, origin: Origin = _NOWHERE) -> AsyncIterator[Services]:
    """Open a short look at the database; nothing is saved.

    Raises:
        DatabaseUnavailable: the database does not answer.
    """
    async with context.database.reading() as session:
        yield Services(context, session, origin)
