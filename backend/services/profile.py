"""One's own profile: what people may change about themselves, and what they have to prove first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from backend.context import Context
from backend.errors import OwnRole, SessionRevoked
from backend.identifiers import email_as_typed
from backend.models import User
from backend.services.audit import Action
from backend.services.recovery import Recovery
from backend.services.renaming import Renaming, listed
from backend.stores.installation import InstallationStore
from backend.stores.users import UserStore

_PLAIN: Final = frozenset({"full_name", "institution", "profile_image_url"})


@dataclass(frozen=True)
class Profile:
    """Changes one's own account within one transaction."""

    context: Context
    installation: InstallationStore
    users: UserStore
    renaming: Renaming
    recovery: Recovery

    async def update(self, user_id: UUID, changes: Mapping[str, Any], current_password: str | None = None) -> User:
        """Change what `changes` names: full_name, username, institution, profile_image_url, email; not the role.

        A new address has to be proven anew, and is taken only with the current password (ASVS 7.5.1).

        Raises:
            OwnRole: the role would be another one.
            PasswordNeeded: the address changes and the current password is missing or wrong.
            TooManyRequests: too many wrong passwords, or new addresses.
            UsernameTaken, EmailTaken, InvalidUsername, InvalidEmail: a name cannot be so.
        """
        async with self.context.database.reading() as session:
            known = await UserStore(session).get(user_id)
        if known is None:
            raise SessionRevoked
        if changes.get("role", known.role) != known.role:
            raise OwnRole
        if email_as_typed(changes.get("email", known.email)) != known.email:
            await self.recovery.allow_new_address(known, current_password)
        if changes.get("username", known.username) != known.username:
            await self.recovery.throttle.renaming(known.id)
        if changes.keys() & {"username", "email"}:
            await self.installation.lock()  # every claim of a name is made behind it
        user = await self.users.lock(user_id)
        if user is None or user.hashed_password != known.hashed_password or not user.is_active:
            raise SessionRevoked
        columns = {name: value for name, value in changes.items() if name in _PLAIN and value != getattr(user, name)}
        columns |= await self.renaming.claim(user, changes.get("username"), changes.get("email"))
        if columns:
            changed = listed(user, columns)
            await self.users.update(user, {**columns, "updated_at": self.context.clock.now()})
            await self.recovery.audit.record(Action.PROFILE_UPDATED, target=user.id, actor=user.id, changes=changed)
        return user
