"""How an organization comes to be: by its first owner, on purpose or while signing up."""

import unicodedata
from dataclasses import dataclass
from typing import Final

from backend.clock import Clock
from backend.errors import InvalidOrganizationName
from backend.models import Membership, MembershipRole, Organization, User
from backend.services.audit import Action, Audit
from backend.stores.memberships import MembershipStore
from backend.stores.organizations import OrganizationStore
from backend.texts import LONGEST_ORGANIZATION, plain

_DEFAULT: Final = "'s organization"
NAMELESS: Final = "Organization"
"""The new name of an organization that was named after somebody who was erased."""


@dataclass(frozen=True)
class Founding:
    """Makes organizations within one transaction."""

    organizations: OrganizationStore
    memberships: MembershipStore
    audit: Audit
    clock: Clock

    async def found(self, user: User, name: str) -> Organization:
        """Make an organization with its first owner.

        Raises:
            InvalidOrganizationName: it cannot be called so.
        """
        now = self.clock.now()
        organization = Organization(name=organization_name(name), created_at=now, updated_at=now)
        await self.organizations.add(organization)
        owner = Membership(user_id=user.id, organization_id=organization.id, role=MembershipRole.OWNER, created_at=now)
        await self.memberships.add(owner)
        made = str(organization.id)
        await self.audit.record(Action.ORGANIZATION_CREATED, target=user.id, actor=user.id, organization_id=made)
        return organization


def default_name(name: str) -> str:
    """Return the default name of somebody's first organization; it is valid whatever their name is."""
    own = "".join(one for one in unicodedata.normalize("NFC", name) if plain(one, lines=False))
    return f"{own[: LONGEST_ORGANIZATION - len(_DEFAULT)].strip()}{_DEFAULT}"


def organization_name(name: str, *, field: str = "name") -> str:
    """Return a name as it is stored and shown: without spaces around it, in Unicode normal form C.

    Raises:
        InvalidOrganizationName: it is empty, too long or cannot be shown in one line.
    """
    kept = unicodedata.normalize("NFC", name.strip())
    if not plain(kept, lines=False):
        raise InvalidOrganizationName("The name must be one line without control characters.", field)
    if not any(unicodedata.category(character)[0] not in "CZ" for character in kept):
        raise InvalidOrganizationName("Enter a name for the organization.", field)
    if len(kept) > LONGEST_ORGANIZATION:
        raise InvalidOrganizationName(f"The name can have at most {LONGEST_ORGANIZATION} characters.", field)
    return kept
