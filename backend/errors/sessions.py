"""What is wrong with a credential, or with the session it names."""

from backend.errors.families import Forbidden, NotFound, Unauthenticated


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


class CsrfFailed(Forbidden):
    """A cookie came without the proof that our own page sent it (ASVS 3.5.1)."""

    code = "CSRF_FAILED"
    detail = "The request did not come from this site's own page, or the page is too old. Reload it and try again."


class PasswordChangeRequired(Forbidden):
    """The caller signed in with a temporary password, which opens nothing but its own change (ASVS 6.4.1)."""

    code = "PASSWORD_CHANGE_REQUIRED"
    detail = "Choose a new password first: the current one is temporary."


class SessionNotFound(NotFound):
    """No session of this person has this id."""

    code = "SESSION_NOT_FOUND"
    detail = "Session not found"
