"""Why somebody cannot sign up, or not under this name."""

from backend.errors.families import Busy, Conflict, Forbidden, Unprocessable


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
    detail = "Too many requests are waiting for review at the moment. Please try again later."
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


class InstitutionRequired(NoteRequired):
    """This installation asks every applicant for an institution."""

    detail = "Please name the institution for which you want access."
    field = "institution"


class RequestDecided(Conflict):
    """Somebody wants to change their request, but it does not stand as it did."""

    code = "REQUEST_DECIDED"
    detail = "Your request has changed in the meantime. Look at where it stands now."


class RequestTooSoon(Conflict):
    """Somebody asks again too soon after they did so before: a person has to decide each time."""

    code = "REQUEST_TOO_SOON"
    detail = "You can send your request again once a day. Please try again tomorrow."


class InvalidUsername(Unprocessable):
    """The username breaks the rule for usernames; `detail` says which part."""

    code = "INVALID_USERNAME"
    field = "username"


class InvalidEmail(Unprocessable):
    """The address cannot be one; `detail` says why."""

    code = "INVALID_EMAIL"
    field = "email"
