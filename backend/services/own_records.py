"""What is kept about a person beside their files, as they get to read it: no secrets, and nothing about others."""

import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from backend.clock import rfc3339
from backend.identifiers import email_key
from backend.models import AuditEvent, Invitation, Mail, User, UserSession
from backend.services.wiring import Services
from backend.stores.touches import Touches

_PAGE: Final = 500
_SECRETS_OF_ACCOUNTS: Final = {"hashed_password"}
_SECRETS_OF_SESSIONS: Final = {"credential_digest", "epoch", "user_id"}
_FROM_WHERE: Final = {"ip_address", "user_agent", "request_id"}
_WHAT: Final = {"reason", "details"}

Row = TypeVar("Row", AuditEvent, Invitation, Mail, UserSession)
Shown = dict[str, Any]
Read = Callable[[Services, UUID | None], Awaitable[tuple[Sequence[Shown], UUID | None]]]
"""Reads a page of rows behind one, oldest first, and returns the last one's id, None if there are no more."""


class OwnRecords:
    """The records of one person."""

    def __init__(self, user: User, touches: Touches) -> None:
        """Read nothing yet."""
        self._user = user
        self._touches = touches

    def account(self) -> Shown:
        """Show the account."""
        return _columns(self._user, _SECRETS_OF_ACCOUNTS)

    async def organizations(self, look: Services) -> Sequence[Shown]:
        """Read all organizations the person is in."""
        return [
            {"id": one.organization.id, "name": one.organization.name, "role": one.role, "since": one.since}
            for one in await look.organizations.mine(self._user.id)
        ]

    async def sessions(self, look: Services, after: UUID | None) -> tuple[Sequence[Shown], UUID | None]:
        """Read a page of sessions."""
        return _page(await look.session_store.all_of(self._user.id, after, _PAGE), self._session)

    async def history(self, look: Services, after: UUID | None) -> tuple[Sequence[Shown], UUID | None]:
        """Read a page of what the person did and what happened to them."""
        return _page(await look.audit.store.all_of(self._user.id, after, _PAGE), self._event)

    async def mails(self, look: Services, after: UUID | None) -> tuple[Sequence[Shown], UUID | None]:
        """Read a page of the mails to them."""
        return _page(await look.mails.all_of(self._user.id, after, _PAGE), _mail)

    async def invitations(self, look: Services, after: UUID | None) -> tuple[Sequence[Shown], UUID | None]:
        """Read a page of the invitations they made, used or were sent."""
        # What was sent to an address that nobody has proven may be somebody else's.
        key = email_key(self._user.email) if self._user.is_verified else None
        return _page(await look.invitation_store.all_of(self._user.id, key, after, _PAGE), self._invitation)

    def _session(self, session: UserSession) -> Shown:
        shown = _columns(session, _SECRETS_OF_SESSIONS)
        return {**shown, "last_activity": self._touches.newest(session.id, session.last_activity)}

    def _event(self, event: AuditEvent) -> Shown:
        """Show a record, without what it tells about somebody else."""
        by_another = event.actor_id not in {None, self._user.id}
        about_another = event.target_id not in {None, self._user.id}
        return _columns(event, (_FROM_WHERE if by_another else set()) | (_WHAT if about_another else set()))

    def _invitation(self, invitation: Invitation) -> Shown:
        """Show an invitation, without who else took part in it."""
        by_them, used_by_them = (someone == self._user.id for someone in (invitation.invited_by, invitation.used_by))
        theirs = used_by_them or invitation.email_key == email_key(self._user.email)
        shown = _columns(invitation, {"email_key", "invited_by", "used_by"} | (set() if theirs else {"email"}))
        return {**shown, "made_by_you": by_them, "used_by_you": used_by_them}


def written(value: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> str:
    """Write what is shown as JSON."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=_plain)


def _page(rows: Sequence[Row], shown: Callable[[Row], Shown]) -> tuple[Sequence[Shown], UUID | None]:
    return [shown(row) for row in rows], rows[-1].id if len(rows) == _PAGE else None


def _mail(mail: Mail) -> Shown:
    return {
        "id": mail.id,
        "purpose": mail.purpose,
        "state": mail.state,
        "about": mail.about,
        "queued_at": mail.created_at,
        "sent_at": mail.sent_at,
    }


def _columns(row: User | UserSession | AuditEvent | Invitation, without: Collection[str]) -> Shown:
    return {name: getattr(row, name) for name in type(row).model_fields if name not in without}


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return rfc3339(value)
    return str(value)
