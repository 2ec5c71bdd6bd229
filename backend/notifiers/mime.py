"""How a mail is written for other mail programs: headers, both forms of the text, nothing that somebody slipped in."""

import re
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from typing import Final
from uuid import uuid4

from email_validator import EmailNotValidError, validate_email

from backend.mail_settings import ENCODED_WORD
from backend.notifiers.base import Message, Undeliverable

_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_UNWRITABLE: Final = "This cannot be written as a mail."
_NO_ADDRESS: Final = "This is no address that mail can be sent to."


@dataclass(frozen=True)
class Parcel:
    """A mail as it is handed to a mail server."""

    to: str
    """The one recipient, with the domain in ASCII."""
    content: bytes
    international: bool
    """Whether the server has to know SMTPUTF8 (RFC 6531)."""


def compose(message: Message, sender: Address, now: datetime) -> Parcel:
    """Write a mail to one person.

    Raises:
        Undeliverable: the address or the subject holds what a header cannot, line breaks for instance.
    """
    to = _recipient(message.to)
    international = not to.username.isascii()
    policy = SMTPUTF8 if international else SMTP
    mail = EmailMessage(policy.clone(cte_type="7bit"))  # not every relay takes 8 bits, and some break what they change
    try:
        mail["Date"] = now
        mail["From"] = sender
        mail["To"] = to
        mail["Subject"] = message.subject.replace(ENCODED_WORD, "= ?")
        mail["Message-ID"] = f"<{message.id or uuid4().hex}@{sender.domain}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5: no answers of absent people
        mail["X-Auto-Response-Suppress"] = "All"  # the same for servers that do not know it
        mail.set_content(message.body)
        if message.html:
            mail.add_alternative(message.html, subtype="html")
        content = mail.as_bytes()
    except (ValueError, MessageError):
        raise Undeliverable(_UNWRITABLE) from None
    if _headers(content) != [name.encode() for name in mail]:
        raise Undeliverable(_UNWRITABLE)
    return Parcel(f"{to.username}@{to.domain}", content, international)


def _recipient(address: str) -> Address:
    try:
        parts = validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        raise Undeliverable(_NO_ADDRESS) from None
    if ENCODED_WORD in parts.local_part:
        raise Undeliverable(_NO_ADDRESS)
    return Address(username=parts.local_part, domain=parts.ascii_domain)


def _headers(content: bytes) -> list[bytes]:
    """Return the names of the headers as whoever gets the mail will find them."""
    lines = _LINE_END.split(content.partition(b"\r\n\r\n")[0])
    return [line.partition(b":")[0] for line in lines if not line.startswith((b" ", b"\t"))]
