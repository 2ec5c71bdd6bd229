"""What cannot be done about a mail."""

from backend.errors.families import Conflict, Invalid, NotFound, Unprocessable


class TemplateBroken(Unprocessable):
    """A template for mails that somebody has dropped into the data directory cannot be used."""

    code = "TEMPLATE_BROKEN"


class MailEnabled(Invalid):
    """Where mail works, people reset their own passwords."""

    code = "EMAIL_FEATURES_ENABLED"
    detail = "Admin password reset is disabled when email features are enabled."


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
