"""The error tree: what can be refused, in the words of the domain.

A class says what happened (`AccountPending`), its family says of which kind that is (`Forbidden`). The
families become HTTP statuses in `routes/errors.py` and exit codes on the command line, nowhere else.
"""

from dataclasses import dataclass
from typing import ClassVar, Self
from uuid import UUID


@dataclass(frozen=True)
class Counted:
    """What is left of a limit: `remaining` of it in a window of so many seconds, which ends in others.

    Wrong passwords are counted so, and requests against the limits of tiers.
    """

    limit: int
    window: int
    remaining: int
    resets_in: int
    closed: UUID | None = None
    """The account this closed for strangers, for the first time in a day: its owner is to be told."""


class VestibuleError(Exception):
    """Something Vestibule refuses to do. `detail` is a sentence for the person, `code` a word for the program."""

    code: ClassVar[str] = "ERROR"
    detail: str = "The request was refused."
    field: ClassVar[str | None] = None
    """The form field a person would have to change, where there is exactly one."""

    def __init__(self, detail: str | None = None) -> None:
        """Use `detail` in place of the class's own sentence."""
        if detail is not None:
            self.detail = detail
        super().__init__(self.detail)


class SettingsError(VestibuleError):
    """A setting is unknown, missing or impossible; the start stops."""

    code = "SETTINGS"


class StartError(VestibuleError):
    """Something outside (database, data directory, port) keeps Vestibule from starting."""

    code = "START"


# --- families -------------------------------------------------------------------------------------------------------


class Invalid(VestibuleError):
    """The request makes no sense in the present state of things (400)."""


class Unauthenticated(VestibuleError):
    """It is not known who is asking (401)."""


class Forbidden(VestibuleError):
    """It is known who is asking, and they may not (403)."""


class NotFound(VestibuleError):
    """There is no such thing, or none this person may know of (404)."""


class Conflict(VestibuleError):
    """Somebody else was first (409)."""


class Unprocessable(VestibuleError):
    """A value breaks a rule about values (422)."""


class Unsupported(VestibuleError):
    """The body is not of a media type this route reads (415)."""


class Busy(VestibuleError):
    """Not now; the same request may succeed in `retry_after` seconds (503)."""

    retry_after: ClassVar[int] = 5


# --- who is asking --------------------------------------------------------------------------------------------------


class NotAuthenticated(Unauthenticated):
    """No credential was given."""

    code = "NOT_AUTHENTICATED"
    detail = "Not authenticated"


class InvalidToken(Unauthenticated):
    """The credential is not one of ours, or not well-formed (RFC 6750 `invalid_token`)."""

    code = "INVALID_TOKEN"
    detail = "Invalid authentication credentials"


class TokenExpired(Unauthenticated):
    """The access token, or the session at its absolute end, is over."""

    code = "TOKEN_EXPIRED"
    detail = "The token has expired"


class InvalidRefreshToken(InvalidToken):
    """A refresh token is unknown, used before, or its session is over."""

    detail = "Invalid or expired refresh token"


class SessionInactive(Unauthenticated):
    """The session ended because nobody used it for the inactivity threshold (ASVS 7.3.1)."""

    code = "SESSION_INACTIVE"
    detail = "The session ended because of inactivity. Please sign in again."


class SessionRevoked(Unauthenticated):
    """The session was ended: signed out, revoked, or the account may no longer be used (ASVS 7.4.1)."""

    code = "SESSION_REVOKED"
    detail = "The session has ended. Please sign in again."


class SignInRefused(VestibuleError):
    """Nobody was let in. `user_id` is whose door it was, where that is known; it never reaches the caller."""

    def __init__(self, detail: str | None = None, *, user_id: UUID | None = None) -> None:
        """Remember whose account it was, for the audit alone."""
        super().__init__(detail)
        self.user_id = user_id


class PasswordWrong(VestibuleError):
    """A password was another one. `counted` is what that left over, where it was counted."""

    counted: Counted | None = None

    def after(self, counted: Counted | None) -> Self:
        """Carry what it left over."""
        self.counted = counted
        return self


class InvalidCredentials(SignInRefused, Unauthenticated, PasswordWrong):
    """Unknown name or wrong password; which of the two is never told (ASVS 6.3.8)."""

    code = "AUTH_INVALID_CREDENTIALS"
    detail = "Invalid credentials"


class AccountPending(SignInRefused, Forbidden):
    """The right password, but nobody has decided about the account yet."""

    code = "ACCOUNT_PENDING"
    detail = "Account pending approval. Please wait for admin approval."


class AccountRejected(SignInRefused, Forbidden):
    """The right password, but the request for an account was turned down."""

    code = "ACCOUNT_REJECTED"
    detail = "Your request for an account was not approved."


class AccountInactive(SignInRefused, Forbidden):
    """The right password, but the account may not be used at present."""

    code = "ACCOUNT_INACTIVE"
    detail = "Inactive user"


class AccountSuspended(AccountInactive):
    """An administrator suspended the account."""

    code = "ACCOUNT_SUSPENDED"
    detail = "This account is suspended."


class AccountExpired(AccountInactive):
    """The account's time of access has run out."""

    code = "ACCOUNT_EXPIRED"
    detail = "The access of this account has expired."


class AccountDeactivated(AccountInactive):
    """The person switched the account off."""

    code = "ACCOUNT_DEACTIVATED"
    detail = "This account is deactivated."


class EmailNotVerified(SignInRefused, Forbidden):
    """The right password, but this installation asks for a proven address first."""

    code = "EMAIL_NOT_VERIFIED"
    detail = "Please verify your email address before signing in."


class CsrfFailed(Forbidden):
    """A cookie came without the proof that our own page sent it (ASVS 3.5.1)."""

    code = "CSRF_FAILED"
    detail = "The request did not come from this site's own page, or the page is too old. Reload it and try again."


class PasswordChangeRequired(Forbidden):
    """The caller signed in with a temporary password, which opens nothing but its own change (ASVS 6.4.1)."""

    code = "PASSWORD_CHANGE_REQUIRED"
    detail = "Choose a new password first: the present one is temporary."


class AdminRequired(Forbidden):
    """The caller lacks the role."""

    code = "ADMIN_REQUIRED"
    detail = "Admin access required"


# --- signing up -----------------------------------------------------------------------------------------------------


class RegistrationClosed(Forbidden):
    """This installation takes no new accounts."""

    code = "REGISTRATION_CLOSED"
    detail = "Registration is closed."


class BootstrapTokenRequired(Forbidden):
    """The first account needs the one-time token that was printed at the first start."""

    code = "BOOTSTRAP_TOKEN_REQUIRED"
    detail = "The first account needs the bootstrap token that was printed when the service first started."
    field = "bootstrap_token"


class RegistrationFull(Busy):
    """As many people wait as this installation allows; each anonymous sign-up costs a directory."""

    code = "REGISTRATION_FULL"
    detail = "Too many requests for accounts are waiting at the moment. Please try again later."
    retry_after = 3600


class AlreadyTaken(Conflict):
    """An identifier belongs to somebody else."""


class EmailTaken(AlreadyTaken):
    """The email address, whatever its case, belongs to an account."""

    code = "AUTH_EMAIL_EXISTS"
    detail = "Email already registered"
    field = "email"


class UsernameTaken(AlreadyTaken):
    """The username, whatever its case, belongs to an account."""

    code = "AUTH_USERNAME_EXISTS"
    detail = "Username already taken"
    field = "username"


class NoteRequired(Unprocessable):
    """This installation asks every applicant for a note and an institution."""

    code = "APPROVAL_NOTE_REQUIRED"
    detail = "Please say why you want access and for which institution."
    field = "approval_note"


class InvalidUsername(Unprocessable):
    """The username breaks the rule for usernames; `detail` says which part."""

    code = "INVALID_USERNAME"
    field = "username"


class InvalidEmail(Unprocessable):
    """The address cannot be one; `detail` says why."""

    code = "INVALID_EMAIL"
    field = "email"


class PasswordRefused(Unprocessable):
    """The password breaks the password rule (ASVS 6.2); `detail` says how."""

    code = "INVALID_PASSWORD"
    field = "password"


class InvalidHash(Unprocessable):
    """A password hash of another system is of no kind that can be checked, damaged, or too costly to check."""

    code = "INVALID_HASH"
    detail = "This password hash cannot be taken over: send argon2, bcrypt, or PBKDF2 as passlib or Django write it."
    field = "hashed_password"


class WrongCurrentPassword(Invalid, PasswordWrong):
    """A person who wants to change the password could not give the present one."""

    code = "WRONG_CURRENT_PASSWORD"
    detail = "Current password is incorrect"
    field = "current_password"


class PasswordNeeded(Forbidden, PasswordWrong):
    """Who changes the address of their account proves first to be more than a session (ASVS 7.5.1)."""

    code = "PASSWORD_NEEDED"
    detail = "Give your current password to change your email address."
    field = "current_password"


class OwnRole(Forbidden):
    """Nobody gives themselves rights."""

    code = "OWN_ROLE"
    detail = "Cannot modify your own role"


class BadResetToken(Invalid):
    """The reset token is unknown, used, superseded or too old."""

    code = "RESET_PASSWORD_BAD_TOKEN"
    detail = "The reset link is not valid any more. Please ask for a new one."
    field = "token"


class BadVerifyToken(Invalid):
    """The token that proves an address is unknown, used, superseded, too old, or for an address of before."""

    code = "VERIFY_USER_BAD_TOKEN"
    detail = "The confirmation link is not valid any more. Please ask for a new one."
    field = "token"


# --- deciding and administering -------------------------------------------------------------------------------------


class InvalidId(Invalid):
    """An id is neither a hyphenated UUID nor 32 hex digits."""

    code = "INVALID_ID"
    detail = "Invalid user ID format: expected a UUID"


class InvalidCursor(Invalid):
    """A cursor is not one that an earlier page handed out."""

    code = "INVALID_CURSOR"
    detail = "Invalid cursor: use the next_cursor of an earlier page"


class UserNotFound(NotFound):
    """No account has this id or name."""

    code = "USER_NOT_FOUND"
    detail = "User not found"


class SessionNotFound(NotFound):
    """No session of this person has this id."""

    code = "SESSION_NOT_FOUND"
    detail = "Session not found"


class KeyNotFound(NotFound):
    """No key whose tokens are believed has this name."""

    code = "KEY_NOT_FOUND"
    detail = "No signing key has this kid"


class KeyInUse(Conflict):
    """The key signs at present; without it nobody could sign in."""

    code = "KEY_IN_USE"
    detail = "This key signs at present. Rotate first, and retire it once the next key signs."


class KeyFixed(Invalid):
    """The key is a setting, and settings change by hand."""

    code = "KEY_FIXED"
    detail = "Tokens are signed with VESTIBULE_SECRET_KEY: for another key, change the setting and restart."


class TemplateBroken(Unprocessable):
    """A template for mails that somebody has dropped into the data directory cannot be used."""

    code = "TEMPLATE_BROKEN"


class AlreadyApproved(Invalid):
    """The account was approved before."""

    code = "ALREADY_APPROVED"
    detail = "User is already approved"


class AlreadyDecided(Conflict):
    """The account was rejected before, and the caller did not ask to reconsider."""

    code = "ALREADY_DECIDED"
    detail = "User is already rejected"


class InvalidTransition(Conflict):
    """The table of account states has no way from the present status to the wanted one."""

    code = "INVALID_TRANSITION"


class LastAdmin(Invalid):
    """Without this account nobody could administer the installation."""

    code = "LAST_ADMIN"
    detail = "This is the last active administrator. Make somebody else an administrator first."


class DemoteFirst(Invalid):
    """An administrator's account is not erased; their rights are taken away first."""

    code = "DEMOTE_FIRST"
    detail = "Demote first"


class AdminNeverExpires(Invalid):
    """An administrator's access has no end, or the last one's would run out unseen."""

    code = "ADMIN_NEVER_EXPIRES"
    detail = "The access of an administrator cannot run out. Take the administrator's rights away first."


class TooLate(Invalid):
    """A moment has passed: the one that was given, or the last one for what was asked."""

    code = "TOO_LATE"


class NotApproved(Invalid):
    """Nobody has let this person in, so there is nothing to activate."""

    code = "NOT_APPROVED"
    detail = "User is not approved"


class NotActive(Invalid):
    """Only active accounts can be given rights."""

    code = "NOT_ACTIVE"
    detail = "User is not active"


class AlreadySuperuser(Invalid):
    """Promotion of an administrator."""

    code = "ALREADY_SUPERUSER"
    detail = "User is already a superuser"


class NotSuperuser(Invalid):
    """Demotion of somebody who is no administrator."""

    code = "NOT_SUPERUSER"
    detail = "User is not a superuser"


class NotOneself(Invalid):
    """An administrator tried to take their own rights or account away; `detail` says which."""

    code = "NOT_ONESELF"


class UserNotCreated(Invalid):
    """An administrator's new account was refused; `code` and `detail` tell why."""

    def __init__(self, reason: VestibuleError) -> None:
        """Wrap what stood in the way, keeping its code."""
        super().__init__(f"Failed to create user: {reason.detail}")
        self.reason = reason
        self.code = reason.code  # type: ignore[misc]  # each refusal carries the code of its own reason


class InvalidOperation(Invalid):
    """A call about many accounts names an operation that there is not."""

    code = "INVALID_OPERATION"
    detail = "Unknown operation: use activate, deactivate, delete, update_role, approve or reject"


class KeyReused(Conflict):
    """An Idempotency-Key came once more with another body."""

    code = "IDEMPOTENCY_KEY_REUSED"
    detail = "This Idempotency-Key was used for another request. Use a new key."


class NotConfirmed(Invalid):
    """Somebody asked for the end of their account without saying that they mean it."""

    code = "NOT_CONFIRMED"
    detail = "Account deactivation requires confirmation"


class NotYours(Forbidden):
    """Somebody without the role named another person's account; `detail` says what for."""

    code = "NOT_YOURS"


class MailEnabled(Invalid):
    """Where mail works, people reset their own passwords."""

    code = "EMAIL_FEATURES_ENABLED"
    detail = "Admin password reset is disabled when email features are enabled."


class AlreadyVerified(Invalid):
    """The address of an account was proven before."""

    code = "ALREADY_VERIFIED"
    detail = "The address of this account is verified already."


class ChartNotFound(NotFound):
    """There is no chart of this name."""

    code = "CHART_NOT_FOUND"
    detail = "There is no such chart."


class MessageNotFound(NotFound):
    """The ledger has no mail of this id."""

    code = "MESSAGE_NOT_FOUND"
    detail = "Message not found"


class MessageUnderWay(Conflict):
    """A mail is being handed to the mail server at this moment; what comes of it is not known yet."""

    code = "MESSAGE_UNDER_WAY"
    detail = "This message is being sent. Look again in a few minutes."


class NoMailServer(Invalid):
    """Nothing can be sent where no mail leaves."""

    code = "NO_MAIL_SERVER"
    detail = "There is no mail server, so this would go nowhere. Hand over its link instead, if it has one."


class NoLink(Invalid):
    """A mail cannot be sent by hand, or has no link to hand over."""

    code = "NO_LINK"
    detail = "Only links to verify an address or to choose a password can be sent or handed over by hand."


class ResetOfInactive(Invalid):
    """A password reset must not open an account that may not be used."""

    code = "USER_INACTIVE"
    detail = "Cannot reset password for inactive user"


# --- accounts in files ----------------------------------------------------------------------------------------------


class InvalidFile(Unprocessable):
    """A file of accounts cannot be read as a whole, so that no row of it was; `detail` says where and why."""

    code = "INVALID_FILE"
    field = "file"


class TooManyRows(Unprocessable):
    """A file of accounts has more rows than one request may bring."""

    code = "TOO_MANY_ROWS"
    field = "file"


class InvalidRow(Unprocessable):
    """One row of a file of accounts cannot be read; `detail` says why, `field` which column."""

    code = "INVALID_ROW"

    def __init__(self, detail: str, field: str | None = None) -> None:
        """Say what is wrong, and in which column if it is one."""
        super().__init__(detail)
        self.field = field  # type: ignore[misc]  # each row carries the column of its own mistake


# --- tiers ----------------------------------------------------------------------------------------------------------


class TierNotFound(NotFound):
    """No tier has this name or id."""

    code = "TIER_NOT_FOUND"
    detail = "Tier not found"


class LimitNotFound(NotFound):
    """The tier has no limit of this id."""

    code = "LIMIT_NOT_FOUND"
    detail = "Rate limit not found"


class TierExists(Conflict):
    """A tier of this name, whatever its case, is there already."""

    code = "TIER_EXISTS"
    detail = "There is a tier of this name already. Choose another name."
    field = "name"


class LimitExists(Conflict):
    """The tier has a limit for these very paths."""

    code = "LIMIT_EXISTS"
    detail = "The tier has a limit for this path already. Change that one, or choose another path."
    field = "path"


class TierInUse(Conflict):
    """Accounts have the tier; `detail` says how many, and some of their names."""

    code = "TIER_IN_USE"
    detail = "Accounts have this tier. Give them another one, or none, and delete it then."


class InvalidTier(Unprocessable):
    """A tier cannot be called so; `detail` says why."""

    code = "INVALID_TIER"
    field = "name"


class InvalidLimit(Unprocessable):
    """A limit cannot be so; `detail` says why, `field` which part of it."""

    code = "INVALID_LIMIT"

    def __init__(self, detail: str, field: str) -> None:
        """Say what is wrong, and with what."""
        super().__init__(detail)
        self.field = field  # type: ignore[misc]  # each part of a limit has rules of its own


# --- organizations --------------------------------------------------------------------------------------------------


class OrganizationNotFound(NotFound):
    """The caller is in no organization of this id; whether there is one is not told."""

    code = "ORGANIZATION_NOT_FOUND"
    detail = "Organization not found"


class MemberNotFound(NotFound):
    """Nobody of this id is in the organization."""

    code = "MEMBER_NOT_FOUND"
    detail = "Nobody of this organization has this id."


class InvitationNotFound(NotFound):
    """The organization has no open invitation of this id."""

    code = "INVITATION_NOT_FOUND"
    detail = "This invitation is not open any more. Make a new one if it is still wanted."


class RoleRequired(Forbidden):
    """The caller's role in the organization does not allow this."""

    code = "ORGANIZATION_ROLE_REQUIRED"
    detail = "Your role in this organization does not allow this. Ask one of its owners."


class LastOwner(Conflict):
    """Without this person nobody could look after the organization."""

    code = "LAST_OWNER"
    detail = "There is no other owner with an active account. Hand the organization over first, or delete it."


class OrganizationInert(Conflict):
    """No owner of the organization has an active account, so that nobody can come in."""

    code = "ORGANIZATION_INERT"
    detail = "This organization takes nobody in at present: none of its owners has an active account."


class TooManyOrganizations(Conflict):
    """The person is in as many organizations as an access token can name."""

    code = "TOO_MANY_ORGANIZATIONS"
    detail = "You are in as many organizations as one can be in. Leave one of them first."


class TooManyInvitations(Conflict):
    """The organization has as many open invitations as it may have."""

    code = "TOO_MANY_INVITATIONS"
    detail = "This organization has as many open invitations as it may have. Take some of them back first."


class AlreadyMember(Conflict):
    """The person is in the organization already."""

    code = "ALREADY_MEMBER"
    detail = "This person is a member of the organization already."


class AlreadyInvited(Conflict):
    """The address has an open invitation to the organization."""

    code = "ALREADY_INVITED"
    detail = "This address has an open invitation. Send it once more, or take it back first."
    field = "email"


class InvitationDeclined(Conflict):
    """Whoever has the address said no lately."""

    code = "INVITATION_DECLINED"
    detail = "This address declined an invitation lately. Ask them first; then a link brings them in."
    field = "email"


class InvitationInvalid(Invalid):
    """The token of an invitation is unknown, used, taken back or too old; which of these is not told."""

    code = "INVITATION_INVALID"
    detail = "This invitation is not valid any more. Please ask for a new one."
    field = "token"


class InvitationForAnother(Forbidden):
    """The invitation is for another address than the caller's; for which is not told."""

    code = "INVITATION_FOR_ANOTHER"
    detail = "This invitation is for another email address. Sign in with the account that has it."


class InvitationWithoutAddress(Invalid):
    """There is nobody to whom the invitation could be sent."""

    code = "NO_ADDRESS"
    detail = "This invitation was made without an address. Make a link and hand it over."


class InvalidInvitation(Unprocessable):
    """Nobody can be invited so."""

    code = "INVALID_INVITATION"
    detail = "People are invited as member or as admin; an owner can make them owner afterwards."
    field = "role"


class InvalidOrganizationName(Unprocessable):
    """An organization cannot be called so; `detail` says why, `field` where the name was given."""

    code = "INVALID_ORGANIZATION_NAME"

    def __init__(self, detail: str, field: str = "name") -> None:
        """Say what is wrong, and with which field."""
        super().__init__(detail)
        self.field = field  # type: ignore[misc]  # who signs up gives it under another name


# --- limits and faults ----------------------------------------------------------------------------------------------


class TooManyRequests(VestibuleError):
    """A limit was reached (429). Times are seconds."""

    code = "RATE_LIMITED"
    detail = "Too many requests"

    def __init__(self, *, retry_after: int, limit: int, window: int) -> None:
        """Carry what the client needs to wait the right time."""
        super().__init__()
        self.retry_after = retry_after
        self.limit = limit
        self.window = window


class LimitReached(TooManyRequests):
    """An account has used up what its tier allows for a path."""


class DatabaseUnavailable(Busy):
    """The database does not answer, or not in time."""

    code = "DATABASE_UNAVAILABLE"
    detail = "The service cannot reach its database at the moment. Please try again shortly."


class HashingBusy(Busy):
    """More passwords wait to be checked than the queue holds, or for longer than it allows."""

    code = "SERVER_BUSY"
    detail = "The service is busy. Please try again in a moment."


class DownloadsBusy(Busy):
    """As many people as this process has room for are being sent their own data."""

    code = "DOWNLOADS_BUSY"
    detail = "Several people are taking their data at the moment. Please try again shortly."
    retry_after = 60


class ProvisioningFailed(Busy):
    """The person's directory could not be made, so nothing was changed."""

    code = "PROVISIONING_FAILED"
    detail = "The storage for this account could not be prepared. Nothing was changed; please try again later."
    retry_after = 30


class ErasingFailed(Busy):
    """Something of what was to be destroyed is still on the disk; the same again goes on from there."""

    code = "ERASING_FAILED"
    detail = "The storage of this account could not be erased completely. Please try again later."
    retry_after = 30


class UnsupportedMediaType(Unsupported):
    """The body is of another media type than the route reads."""

    code = "UNSUPPORTED_MEDIA_TYPE"

    def __init__(self, expected: str) -> None:
        """Name the media types that would have been read."""
        super().__init__(f"Unsupported content type: send {expected}")
