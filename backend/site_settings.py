"""The settings that say what the installation is called and whom its people can ask, parsed."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from email_validator import EmailNotValidError, validate_email

from backend.mail_settings import ENCODED_WORD

DEFAULT_NAME: Final = "Vestibule"
_LONGEST_NAME: Final = 50
"""Characters; it is part of the subject of every mail."""
_LONGEST_CONTACT: Final = 320
_NAME: Final = f"must be one line of 1 to {_LONGEST_NAME} characters, without control characters, < and >"
_CONTACT: Final = "must be an email address, such as help@example.org, or an http or https URL, both in plain ASCII"


@dataclass(frozen=True)
class Contact:
    """Whom people can ask: what they read, and where it leads."""

    text: str
    link: str


def site_name(text: str) -> str:
    """Read the name of an installation. It stands in titles, and in headers of mails.

    Raises:
        ValueError: it cannot stand there.
    """
    name = " ".join(text.split(" ")).strip()
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable() or {"<", ">"} & set(name) or ENCODED_WORD in name:
        raise ValueError(_NAME)
    return name


def contact(text: str) -> Contact:
    """Read an email address, or the http or https URL of a page.

    Raises:
        ValueError: it is neither.
    """
    way = text.strip()
    if len(way) > _LONGEST_CONTACT or not way.isascii() or not way.isprintable() or " " in way:
        raise ValueError(_CONTACT)
    try:
        parts = urlsplit(way)
        if parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc:
            return Contact(way, way)
        address = validate_email(way, check_deliverability=False).normalized
    except (ValueError, EmailNotValidError):
        raise ValueError(_CONTACT) from None
    return Contact(address, f"mailto:{quote(address, safe='@')}")
