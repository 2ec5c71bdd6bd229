"""How the services hang together: all of them over one transaction, each made when somebody first asks for it."""

from functools import cached_property
from typing import TYPE_CHECKING

import structlog

from backend.context import Context
from backend.services.administration import Administration
from backend.services.admission import Admission
from backend.services.audit import Audit, Origin
from backend.services.audit_trail import AuditTrail
from backend.services.authentication import Authentication
from backend.services.bootstrap import Bootstrap
from backend.services.by_name import ByName
from backend.services.closing import Closing
from backend.services.decisions import Decisions
from backend.services.deletion import Deletion
from backend.services.editing import Editing
from backend.services.erasure import Erasure
from backend.services.founding import Founding
from backend.services.invitation_delivery import Delivery
from backend.services.invitations import Invitations
from backend.services.lifecycle import Lifecycle
from backend.services.measures import Measuring
from backend.services.members import Members
from backend.services.messages import Messages
from backend.services.offers import Offers
from backend.services.organization_entry import Entry
from backend.services.organizations import Organizations
from backend.services.outbox import Outbox
from backend.services.overview import Overview
from backend.services.own_request import OwnRequest
from backend.services.people import People
from backend.services.profile import Profile
from backend.services.recovery import Recovery
from backend.services.renaming import Renaming
from backend.services.roles import Roles
from backend.services.session_rules import Rules
from backend.services.sessions import Sessions
from backend.services.sign_up import SignUp
from backend.services.statistics import Statistics
from backend.services.succession import Succession
from backend.services.throttle import Throttle
from backend.services.tier_holders import TierHolders
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
    from collections.abc import Awaitable, Callable

    from sqlmodel.ext.asyncio.session import AsyncSession

_log = structlog.get_logger("vestibule")


class Services:
    """All services over one transaction. A request needs few of them, and pays for no others."""

    def __init__(self, context: Context, session: "AsyncSession", origin: Origin) -> None:
        """Lay out the tables of one database session."""
        self.context, self.changes = context, Changes()
        self._session, self._origin = session, origin
        self._afterwards: list[Callable[[], Awaitable[None]]] = []
        self.users = UserStore(session, self.changes)
        self.session_store = SessionStore(session, self.changes)
        self.installation = InstallationStore(session)
        self.mails, self.past = MailStore(session), PastStore(session)
        self.invitation_store = InvitationStore(session)
        self.bulk_calls = BulkCallStore(session, context.clock)
        self._identifiers, self._one_time_tokens = IdentifierStore(session), OneTimeTokenStore(session)
        self._organizations, self._memberships = OrganizationStore(session), MembershipStore(session)
        self._tiers = TierStore(session)

    # What all others need.

    @cached_property
    def audit(self) -> Audit:
        return Audit(AuditStore(self._session), self.context.clock, self._origin, self._afterwards.append)

    @cached_property
    def outbox(self) -> Outbox:
        context = self.context
        leaves = not context.settings.mail_goes_nowhere
        return Outbox(self.mails, context.clock, self._afterwards.append, context.mail_due.set, leaves=leaves)

    @cached_property
    def sessions(self) -> Sessions:
        context = self.context
        return Sessions(
            self.session_store,
            self.users,
            self._memberships if context.settings.organizations_in_token else None,
            self.audit,
            self.outbox,
            context.clock,
            context.signer,
            Rules.of(context.settings),
            context.touches,
        )

    @cached_property
    def lifecycle(self) -> Lifecycle:
        return Lifecycle(self.users, self.installation, self.sessions, self.audit, self.context.clock)

    @cached_property
    def _throttle(self) -> Throttle:
        return Throttle.of(self.context)

    # How people come in.

    @cached_property
    def bootstrap(self) -> Bootstrap:
        by_token = self.context.settings.bootstrap_by_token
        return Bootstrap(self.installation, self.audit, self.context.clock, by_token)

    @cached_property
    def admission(self) -> Admission:
        return Admission(self.context, self._identifiers, self.lifecycle, self.bootstrap)

    @cached_property
    def sign_up(self) -> SignUp:
        return SignUp(
            self.context,
            self._identifiers,
            self.lifecycle,
            self.bootstrap,
            self.admission,
            self._founding,
            self.outbox,
            self._throttle,
            self._afterwards.append,
        )

    @cached_property
    def own_request(self) -> OwnRequest:
        return OwnRequest(self.context, self.lifecycle, self.deletion, self.recovery, self.outbox, self._throttle)

    @cached_property
    def authentication(self) -> Authentication:
        return Authentication(self.context, self.lifecycle, self.closing)

    @cached_property
    def recovery(self) -> Recovery:
        return Recovery(
            self.context,
            self.users,
            self._one_time_tokens,
            self.sessions,
            self.outbox,
            self.audit,
            self._throttle,
        )

    @cached_property
    def user_manager(self) -> UserManager:
        return UserManager(self.users, self.context.hasher, self.sign_up, self.authentication, self.recovery)

    # What becomes of accounts.

    @cached_property
    def decisions(self) -> Decisions:
        return Decisions(self.context, self.lifecycle, self.outbox)

    @cached_property
    def closing(self) -> Closing:
        return Closing(self.lifecycle)

    @cached_property
    def deletion(self) -> Deletion:
        return Deletion(self.context, self.lifecycle, self._renaming, self._afterwards.append)

    @cached_property
    def erasure(self) -> Erasure:
        return Erasure(
            self.context,
            self.lifecycle,
            self._identifiers,
            self._one_time_tokens,
            self.mails,
            self._succession,
            self._afterwards.append,
        )

    @cached_property
    def roles(self) -> Roles:
        return Roles(self.lifecycle)

    @cached_property
    def profile(self) -> Profile:
        return Profile(self.context, self.installation, self.users, self._renaming, self.recovery)

    @cached_property
    def administration(self) -> Administration:
        return Administration(self.context, self._one_time_tokens, self.admission, self.lifecycle)

    @cached_property
    def editing(self) -> Editing:
        return Editing(
            self.context,
            self.lifecycle,
            self._renaming,
            self.recovery,
            self.decisions,
            self.closing,
            self.deletion,
            self.roles,
            self.tier_holders,
        )

    @cached_property
    def by_name(self) -> ByName:
        return ByName(self.people, self.profile, self.editing, self.deletion, self.erasure)

    @cached_property
    def _renaming(self) -> Renaming:
        context = self.context
        proofs = context.settings.send_verification_emails
        return Renaming(self._identifiers, self._one_time_tokens, self.outbox, context.clock, proofs=proofs)

    # Organizations and tiers.

    @cached_property
    def organizations(self) -> Organizations:
        return Organizations(self._entry, self._founding, self.outbox, self.audit, self.context.clock, self._throttle)

    @cached_property
    def members(self) -> Members:
        return Members(self._entry, self.invitation_store, self.outbox, self.audit, self.context.clock)

    @cached_property
    def invitations(self) -> Invitations:
        return Invitations(self.context, self._entry, self.invitation_store, self._delivery, self.audit, self._throttle)

    @cached_property
    def offers(self) -> Offers:
        return Offers(self.context, self._entry, self.invitation_store, self._delivery, self.audit)

    @cached_property
    def _entry(self) -> Entry:
        return Entry(self.users, self._organizations, self._memberships)

    @cached_property
    def _founding(self) -> Founding:
        return Founding(self._organizations, self._memberships, self.audit, self.context.clock)

    @cached_property
    def _delivery(self) -> Delivery:
        return Delivery(self.context, self.invitation_store, self.outbox)

    @cached_property
    def _succession(self) -> Succession:
        return Succession(
            self._organizations,
            self._memberships,
            self.invitation_store,
            self.outbox,
            self.audit,
            self.context.clock,
        )

    @cached_property
    def tiers(self) -> Tiers:
        return Tiers(self.context, self._tiers, self.tier_holders, self.lifecycle, self._afterwards.append)

    @cached_property
    def tier_holders(self) -> TierHolders:
        return TierHolders(self._tiers, self.people, self.lifecycle)

    @cached_property
    def tier_limits(self) -> TierLimits:
        return TierLimits(self.tiers, self._tiers)

    # What there is to see.

    @cached_property
    def people(self) -> People:
        listings = ListingStore(self._session, indexed=self.context.database.search_indexed)
        return People(self.users, listings, self.audit.store)

    @cached_property
    def audit_trail(self) -> AuditTrail:
        return AuditTrail(self.audit.store, self.people)

    @cached_property
    def messages(self) -> Messages:
        return Messages(self.context, self.mails, self.lifecycle, self.outbox, self.recovery, self.audit)

    @cached_property
    def statistics(self) -> Statistics:
        return Statistics(self.users, self.context.clock)

    @cached_property
    def overview(self) -> Overview:
        return Overview(self.context, self.people, self.mails, self.statistics)

    @cached_property
    def measuring(self) -> Measuring:
        rules, clock = Rules.of(self.context.settings), self.context.clock
        return Measuring(self.users, self.session_store, self.mails, rules, clock)

    async def committed(self) -> None:
        """Run what waited for the commit. A failure here is logged; the reconciler and the courier try again."""
        for act in self._afterwards:
            try:
                await act()
            except Exception:  # noqa: BLE001  # the change is saved; what follows it must not undo the answer
                _log.exception("after_commit_failed")
