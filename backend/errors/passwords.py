"""What is wrong with a password, old or new, and with what proves an address."""

from backend.errors.families import Forbidden, Invalid, Unprocessable
from backend.errors.sign_in import PasswordWrong


class PasswordRefused(Unprocessable):
    """The password breaks the password rule (ASVS 6.2); `detail` says how."""

    code = "INVALID_PASSWORD"
    field = "password"


class InvalidHash(Unprocessable):
    """A password hash of another system is of no kind that can be checked, damaged, or too costly to check."""

    code = "INVALID_HASH"
    detail = "This password hash is not supported. Use argon2, bcrypt, or PBKDF2 as passlib or Django write it."
    field = "hashed_password"


class WrongCurrentPassword(Invalid, PasswordWrong):
    """A person who wants to change the password could not give the present one."""

    code = "WRONG_CURRENT_PASSWORD"
    detail = "Current password is incorrect"
    field = "current_password"


class PasswordNeeded(Forbidden, PasswordWrong):
    """Changing one's email address takes the current password (ASVS 7.5.1)."""

    code = "PASSWORD_NEEDED"
    detail = "Give your current password to change your email address."
    field = "current_password"


class BadResetToken(Invalid):
    """The reset token is unknown, used, superseded or too old."""

    code = "RESET_PASSWORD_BAD_TOKEN"
    detail = "The reset link is no longer valid. Please request a new one."
    field = "token"


class BadVerifyToken(Invalid):
    """The token that proves an address is unknown, used, superseded, too old, or for an address of before."""

    code = "VERIFY_USER_BAD_TOKEN"
    detail = "The confirmation link is no longer valid. Please request a new one."
    field = "token"


class AlreadyVerified(Invalid):
    """The address of an account was proven before."""

    code = "ALREADY_VERIFIED"
    detail = "The email address of this account is already verified."


class ResetOfInactive(Invalid):
    """A password reset must not open an account that may not be used."""

    code = "USER_INACTIVE"
    detail = "Cannot reset password for inactive user"
