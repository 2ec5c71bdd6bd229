"""What cannot be done to an account, or not by this person."""

from collections.abc import Mapping
from datetime import date

from backend.errors.families import Conflict, Forbidden, Invalid, NotFound, VestibuleError


class AdminRequired(Forbidden):
    """The caller lacks the role."""

    code = "ADMIN_REQUIRED"
    detail = "Admin access required"


class OwnRole(Forbidden):
    """Nobody gives themselves rights."""

    code = "OWN_ROLE"
    detail = "Cannot modify your own role"


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


class ChangedMeanwhile(Conflict):
    """Somebody else has changed what the caller wants to change, since the caller looked."""

    code = "CHANGED_MEANWHILE"
    detail = "Someone else changed this account while you were editing it."

    def __init__(self, now: Mapping[str, object]) -> None:
        """Tell what is there `now`, by field."""
        self.fields = {name: _instead(value) for name, value in now.items()}
        super().__init__()


class LastAdmin(Invalid):
    """Without this account nobody could administer the installation."""

    code = "LAST_ADMIN"
    detail = "This is the last active administrator. Make someone else an administrator first."


class DemoteFirst(Invalid):
    """An administrator's account is not erased; their rights are taken away first."""

    code = "DEMOTE_FIRST"
    detail = "Demote first"


class AdminNeverExpires(Invalid):
    """An administrator's access has no end, or the last one's would run out unseen."""

    code = "ADMIN_NEVER_EXPIRES"
    detail = "The access of an administrator cannot expire. Remove the administrator role first."


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
    detail = "Unknown operation: use activate, deactivate, delete, update_role, update_tier, approve or reject"


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


class ChartNotFound(NotFound):
    """There is no chart of this name."""

    code = "CHART_NOT_FOUND"
    detail = "This chart does not exist."


def _instead(value: object) -> str:
    if isinstance(value, bool):
        return f"It is now {'confirmed' if value else 'not confirmed'}."
    if isinstance(value, date):
        return f"It is now {value:%Y-%m-%d}."
    return f"It is now “{value}”." if value else "It is now empty."
