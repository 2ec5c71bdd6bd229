"""The settings about mail, parsed: the mail server, how the way to it is encrypted, and the sender."""

import re
from dataclasses import dataclass, field
from email.headerregistry import Address
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from email_validator import EmailNotValidError, validate_email

_PORTS: Final = {"smtp": 587, "smtps": 465}
"""RFC 8314 §3.3, RFC 6409 §3.1."""
_PORT_OF_A_RELAY: Final = 25
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?")
_NAMED: Final = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]*)>")
ENCODED_WORD: Final = "=?"
"""How an encoded word begins (RFC 2047). Mail programs decode it: some read such an address as another one. So does
Python, and some versions write the line breaks they find in it into the header (CVE-2024-6923)."""

_FORM: Final = (
    "must be smtp://user:password@host:port or smtps://user:password@host:port, with special characters of user and "
    "password percent-encoded"
)
_OPTIONS: Final = "after the ? only tls=required or tls=none and ca=/path/of/ca.pem can stand, once each"
_HALF: Final = "give a user and a password, or neither"
_IN_CLEAR: Final = "a password leaves this machine by TLS only: take tls=none away"
_SMTPS: Final = "smtps is TLS from the first byte, so tls=none cannot be: take it away, or write smtp"
_CA_FOR_NOTHING: Final = "ca= is of use with TLS only: add tls=required, or take it away"
_FROM: Final = (
    "must be an address in plain ASCII, such as entrance@example.org, or a name before one: "
    "Entrance <entrance@example.org>"
)


class Encryption(StrEnum):
    """How the connection to the mail server is encrypted."""

    TLS = "tls"
    """From the first byte (RFC 8314)."""
    STARTTLS = "starttls"
    """Asked for before anything else is sent (RFC 3207); without it nothing is sent."""
    NONE = "none"


@dataclass(frozen=True)
class MailServer:
    """A mail server, and how to connect to it."""

    host: str
    port: int
    encryption: Encryption
    username: str = field(default="", repr=False)
    """Empty: no authentication."""
    password: str = field(default="", repr=False)
    ca: Path | None = None
    """A file of CA certificates that the server's is checked against; None: those that this machine trusts."""


def mail_server(url: str) -> MailServer:
    """Read `smtp://user:password@host:port?tls=…&ca=…`, or the same with `smtps`.

    Raises:
        ValueError: with a reason that does not show the URL.
    """
    parts = _parts(url)
    username, password = _decoded(parts.username or ""), _decoded(parts.password or "")
    if bool(username) is not bool(password):
        raise ValueError(_HALF)
    options = _options(parts.query)
    host = parts.hostname or ""
    here = _is_loopback(host)
    encryption = _encryption(parts.scheme, options.get("tls"), here=here)
    if encryption is Encryption.NONE and username and not here:
        raise ValueError(_IN_CLEAR)
    if encryption is Encryption.NONE and "ca" in options:
        raise ValueError(_CA_FOR_NOTHING)
    usual = _PORT_OF_A_RELAY if here and parts.scheme == "smtp" else _PORTS[parts.scheme]
    ca = Path(options["ca"]) if "ca" in options else None
    return MailServer(host, parts.port or usual, encryption, username, password, ca)


def sender(text: str) -> Address:
    """Read `address` or `Name <address>`.

    Raises:
        ValueError: it is neither, or not an address that every mail server can be told.
    """
    named = _NAMED.fullmatch(text.strip())
    name, address = (named["name"].strip(), named["address"]) if named else ("", text.strip())
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = name[1:-1]
    if not name.isprintable() or not address.isascii() or ENCODED_WORD in text:
        raise ValueError(_FROM)
    try:
        parts = validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        raise ValueError(_FROM) from None
    return Address(name, parts.local_part, parts.ascii_domain)


def _parts(url: str) -> SplitResult:
    """Split a URL that names a server and nothing else; `urlsplit` alone drops tabs and line breaks silently."""
    try:
        parts = urlsplit(url)
        usable_port = parts.port != 0
    except ValueError:  # a port that is no number, a bracket in the host
        raise ValueError(_FORM) from None
    readable = url.isascii() and url.isprintable() and " " not in url
    host = parts.hostname or ""
    named = parts.scheme in _PORTS and usable_port and (_HOST.fullmatch(host) or _address(host))
    if not readable or not named or parts.path not in {"", "/"} or parts.fragment:
        raise ValueError(_FORM)
    return parts


def _decoded(text: str) -> str:
    try:
        decoded = unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise ValueError(_FORM) from None
    if not decoded.isprintable():
        raise ValueError(_FORM)
    return decoded


def _options(query: str) -> dict[str, str]:
    said = [part.partition("=") for part in query.split("&") if part]
    options = {name: _decoded(value) for name, _, value in said}
    if len(options) < len(said) or not options.keys() <= {"tls", "ca"} or options.get("ca") == "":
        raise ValueError(_OPTIONS)
    if options.get("tls", "none") not in {"required", "none"}:
        raise ValueError(_OPTIONS)
    return options


def _encryption(scheme: str, tls: str | None, *, here: bool) -> Encryption:
    if scheme == "smtps":
        if tls == "none":
            raise ValueError(_SMTPS)
        return Encryption.TLS
    wanted = tls or ("none" if here else "required")
    return Encryption.STARTTLS if wanted == "required" else Encryption.NONE


def _is_loopback(host: str) -> bool:
    """Tell whether what is said to this host stays on this machine."""
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
