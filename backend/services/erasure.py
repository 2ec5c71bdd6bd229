"""Erasing a person for good: the row and its id stay, nothing in it tells who they were (GDPR Article 17)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from backend.context import Context
from backend.errors import DemoteFirst
from backend.models import GONE, Role, Status, User
from backend.services import setting_aside
from backend.services.audit import Action
from backend.services.lifecycle import Lifecycle
from backend.services.rights import Act
from backend.services.succession import Succession
from backend.stores.identifiers import IdentifierStore
from backend.stores.mails import MailStore
from backend.stores.one_time_tokens import OneTimeTokenStore

_NAME: Final = "[DELETED]"
_UNUSABLE: Final = "!"
"""No hash of anything: no password is right."""
_PART: Final = 12


@dataclass(frozen=True)
class Erasure:
    """Erases people within one transaction."""

    context: Context
    lifecycle: Lifecycle
    identifiers: IdentifierStore
    one_time_tokens: OneTimeTokenStore
    mails: MailStore
    succession: Succession
    after_commit: Callable[[Callable[[], Awaitable[None]]], None]

    async def anonymize(self, by: UUID | None, user_id: UUID) -> User:
        """Erase name, address, notes, reasons, picture, password, devices, addresses and directory of an account.

        Its organizations pass to others; see `Succession`.

        Raises:
            UserNotFound, InvalidTransition: there is no such account, or it is erased already.
            DemoteFirst: it is an administrator's who was not deleted.
        """
        user = await self.lifecycle.account(user_id, by=by, act=Act.ANONYMIZE, gone=True)
        if user.is_superuser and user.status not in GONE:
            raise DemoteFirst
        now, username = self.context.clock.now(), f"del_{user.id.hex[-_PART:]}_1"
        keeps = self.context.settings.anonymize_keeps_email
        columns: dict[str, Any] = {
            "email": user.email if keeps else f"{username}@deleted.invalid",
            "username": username,
            "full_name": _NAME,
            "role": Role.USER,
            "hashed_password": _UNUSABLE,
            "is_verified": False,
            "must_change_password": False,
            "password_expires_at": None,
            "deleted_at": user.deleted_at or now,
            "token_epoch": user.token_epoch + 1,
            **dict.fromkeys(("institution", "approval_note", "profile_image_url", "decision_reason")),
            **dict.fromkeys(("access_expires_at", "status_before_deletion", "tier_id")),
        }
        await self.mails.forget(user.id)  # before invitations, as the courier locks them
        await self.succession.end(user, by=by)
        await self.lifecycle.change(user, Status.ANONYMIZED, Action.ANONYMIZED, actor=by, columns=columns)
        await self.identifiers.release_all([user.id])
        await self.lifecycle.sessions.store.forget(user.id)
        await self.one_time_tokens.forget(user.id)
        await self.lifecycle.audit.forget(user.id)

        async def erase() -> None:
            await setting_aside.erase(self.context, user.id)

        self.after_commit(erase)
        return user
