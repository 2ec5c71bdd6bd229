"""The tables and their words. A class here says what is kept; what may be done with it stands in `services`."""

from backend.models.audit import AuditEvent
from backend.models.identifier import Identifier, IdentifierKind
from backend.models.installation import Installation
from backend.models.mail import Mail, MailPurpose
from backend.models.one_time_token import OneTimeToken, TokenPurpose
from backend.models.session import Carrier, RefreshToken, SessionEnd, UserSession
from backend.models.sign_in_attempts import SignInAttempts
from backend.models.types import metadata
from backend.models.user import Role, Status, User

__all__ = [
    "AuditEvent",
    "Carrier",
    "Identifier",
    "IdentifierKind",
    "Installation",
    "Mail",
    "MailPurpose",
    "OneTimeToken",
    "RefreshToken",
    "Role",
    "SessionEnd",
    "SignInAttempts",
    "Status",
    "TokenPurpose",
    "User",
    "UserSession",
    "metadata",
]
