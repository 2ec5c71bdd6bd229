"""The tables and their enumerations: what is stored. The rules are in `services`."""

from backend.models.audit import AuditEvent
from backend.models.bulk_call import BulkCall
from backend.models.identifier import Identifier, IdentifierKind
from backend.models.installation import Installation
from backend.models.listing import Listing
from backend.models.mail import Mail, MailPurpose, MailState
from backend.models.one_time_token import OneTimeToken, TokenPurpose
from backend.models.organization import Invitation, InvitationToken, Membership, MembershipRole, Organization
from backend.models.session import Carrier, RefreshToken, SessionEnd, UserSession
from backend.models.sign_in_attempts import SignInAttempts
from backend.models.tally import Tally, TallyKind
from backend.models.tier import Tier, TierLimit
from backend.models.types import metadata
from backend.models.user import CLOSED, GONE, NOT_LET_IN, Role, Status, User

__all__ = [
    "CLOSED",
    "GONE",
    "NOT_LET_IN",
    "AuditEvent",
    "BulkCall",
    "Carrier",
    "Identifier",
    "IdentifierKind",
    "Installation",
    "Invitation",
    "InvitationToken",
    "Listing",
    "Mail",
    "MailPurpose",
    "MailState",
    "Membership",
    "MembershipRole",
    "OneTimeToken",
    "Organization",
    "RefreshToken",
    "Role",
    "SessionEnd",
    "SignInAttempts",
    "Status",
    "Tally",
    "TallyKind",
    "Tier",
    "TierLimit",
    "TokenPurpose",
    "User",
    "UserSession",
    "metadata",
]
