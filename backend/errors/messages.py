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
    detail = "This mail is being sent. Try again in a few minutes."


class NoMailServer(Invalid):
    """Nothing can be sent where no mail leaves."""

    code = "NO_MAIL_SERVER"
    detail = "This server does not send mail. If the mail has a link, share the link instead."


class NoLink(Invalid):
    """A mail cannot be sent by hand, or has no link to hand over."""

    code = "NO_LINK"
    detail = "Only links to confirm an email address or to reset a password can be sent or shared manually."
