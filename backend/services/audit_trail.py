"""The audit, read: what happened, newest first; who did it, to whom, and from where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from backend.errors import UserNotFound
from backend.identifiers import as_id
from backend.models import AuditEvent
from backend.services.agents import family
from backend.services.audit import COMMAND_LINE, Action
from backend.services.people import People
from backend.stores.audit import AuditStore
from backend.stores.audit_walks import WantedRecords

_DAY: Final = timedelta(days=1)
_NOTICED: Final = frozenset({Action.SESSION_ENDED, Action.TOKEN_INACTIVITY_EXPIRY})
"""What is over by itself, and on record when a request comes too late."""


class Group(StrEnum):
    """Actions that are looked for together."""

    REFUSALS = "refusals"
    SIGN_INS = "sign_ins"
    SESSIONS = "sessions"
    PASSWORDS = "passwords"
    REQUESTS = "requests"
    ACCOUNTS = "accounts"
    ROLES = "roles"
    ORGANIZATIONS = "organizations"
    INVITATIONS = "invitations"
    TIERS = "tiers"
    MAILS = "mails"
    EXPORTS = "exports"


GROUPS: Final[Mapping[Group, Sequence[Action]]] = {
    Group.REFUSALS: (Action.SIGNIN_FAILED, Action.REFUSED),
    Group.SIGN_INS: (Action.SIGNIN_SUCCEEDED, Action.SIGNIN_FAILED),
    Group.SESSIONS: (
        Action.SESSION_OPENED,
        Action.SESSION_ENDED,
        Action.SESSION_AGENT_CHANGED,
        Action.TOKEN_INACTIVITY_EXPIRY,
        Action.EVERYBODY_SIGNED_OUT,
    ),
    Group.PASSWORDS: (
        Action.PASSWORD_CHANGED,
        Action.PASSWORD_RESET_REQUESTED,
        Action.PASSWORD_RESET_COMPLETED,
        Action.PASSWORD_RESET_BY_ADMIN,
    ),
    Group.REQUESTS: (
        Action.REGISTERED,
        Action.REGISTERED_AGAIN,
        Action.REQUEST_AMENDED,
        Action.REQUEST_WITHDRAWN,
        Action.REQUEST_SENT_AGAIN,
        Action.USER_APPROVED,
        Action.USER_REJECTED,
        Action.USER_REOPENED,
    ),
    Group.ACCOUNTS: (
        Action.USER_CREATED,
        Action.USER_UPDATED,
        Action.PROFILE_UPDATED,
        Action.EMAIL_VERIFIED,
        Action.USER_SUSPENDED,
        Action.USER_ACTIVATED,
        Action.ACCOUNT_EXPIRED,
        Action.ACCOUNT_DEACTIVATED,
        Action.USER_DELETED,
        Action.USER_RESTORED,
        Action.ANONYMIZED,
    ),
    Group.ROLES: (Action.FIRST_SUPERUSER, Action.USER_PROMOTED, Action.USER_DEMOTED, Action.ROLE_CHANGED),
    Group.ORGANIZATIONS: (
        Action.ORGANIZATION_CREATED,
        Action.ORGANIZATION_RENAMED,
        Action.ORGANIZATION_DELETED,
        Action.OWNERSHIP_TRANSFERRED,
        Action.OWNERSHIP_INHERITED,
        Action.MEMBER_ROLE_CHANGED,
        Action.MEMBER_REMOVED,
        Action.MEMBER_LEFT,
    ),
    Group.INVITATIONS: (
        Action.INVITATION_MADE,
        Action.INVITATION_SENT_AGAIN,
        Action.INVITATION_LINK_MADE,
        Action.INVITATION_REVOKED,
        Action.INVITATION_ACCEPTED,
        Action.INVITATION_DECLINED,
    ),
    Group.TIERS: (Action.TIER_CHANGED, Action.TIER_CREATED, Action.TIER_UPDATED, Action.TIER_DELETED),
    Group.MAILS: (Action.MAIL_SENT_BY_ADMIN, Action.LINK_MADE, Action.MAIL_GIVEN_UP),
    Group.EXPORTS: (Action.USERS_EXPORTED, Action.AUDIT_EXPORTED, Action.OWN_DATA_EXPORTED),
}
"""Every action is in one of them at least."""


class By(StrEnum):
    """Who acted."""

    PERSON = "person"
    NOBODY = "nobody"
    """Somebody who was not signed in, or not any more."""
    COMMAND_LINE = "command_line"
    SERVICE = "service"
    """Vestibule itself, when the time had come."""


@dataclass(frozen=True)
class Search:
    """Which records are looked for; None makes no difference. Both days are included (UTC)."""

    action: Action | Group | None = None
    actor: UUID | None = None
    target: UUID | None = None
    ip_address: str | None = None
    since: date | None = None
    until: date | None = None

    @property
    def wanted(self) -> WantedRecords:
        """Say it in columns."""
        actions = GROUPS[self.action] if isinstance(self.action, Group) else (self.action,)
        return WantedRecords(
            actions=frozenset(one for one in actions if one) or None,
            actor_id=self.actor,
            target_id=self.target,
            ip_address=self.ip_address,
            since=_begin(self.since) if self.since else None,
            before=_begin(self.until + _DAY) if self.until and self.until < date.max else None,
        )


@dataclass(frozen=True)
class TrailRecord:
    """One record; actor and target are usernames, None where there was none, or their account is not known."""

    event: AuditEvent
    by: By
    actor: str | None
    target: str | None


@dataclass(frozen=True)
class Trail:
    """Some records, and the cursor to those before them; `searched_to` as in `AuditPage`."""

    records: Sequence[TrailRecord]
    next_cursor: str | None
    searched_to: datetime | None


@dataclass(frozen=True)
class AuditTrail:
    """Reads the audit within one transaction."""

    store: AuditStore
    people: People

    async def page(self, search: Search, cursor: str | None, limit: int) -> Trail:
        """Return a page, the newest records first.

        Raises:
            InvalidCursor: the cursor is not one that an earlier page handed out.
        """
        page = await self.store.page(search.wanted, cursor, limit)
        ids = {id_ for event in page.rows for id_ in (event.actor_id, event.target_id) if id_}
        names = await self.people.users.names(ids)
        records = [
            TrailRecord(event, by_whom(event), _name(names, event.actor_id), _name(names, event.target_id))
            for event in page.rows
        ]
        return Trail(records, page.next_cursor, page.searched_to)

    async def somebody(self, who: str) -> UUID | None:
        """Return the id of an account by its username, email address or id; None if there is none.

        A name that was given free belongs to the account that had it last. An id need not be that of an account:
        records outlive what they tell of.
        """
        try:
            return as_id(who) or (await self.people.by_name(who, gone=True)).id
        except UserNotFound:
            return await self.people.listings.last_called(who)


def by_whom(event: AuditEvent) -> By:
    """Tell who acted."""
    if event.actor_id:
        return By.PERSON
    if _by_request(event) and event.action not in _NOTICED:
        return By.NOBODY
    return By.COMMAND_LINE if event.user_agent == COMMAND_LINE.user_agent else By.SERVICE


def device_of(event: AuditEvent) -> str | None:
    """Tell with what somebody acted: the family of the user agent, which says less about a person than all of it."""
    return family(event.user_agent) if _by_request(event) else None


def _by_request(event: AuditEvent) -> bool:
    return bool(event.ip_address or event.request_id)


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _name(names: Mapping[UUID, str], id_: UUID | None) -> str | None:
    return names.get(id_) if id_ else None
