"""Plug point: how mail leaves the house. One file a way, one table of names."""

from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from backend.clock import Clock
from backend.errors import StartError
from backend.mail_settings import mail_server, sender
from backend.notifiers.base import Message, Notifier, ServerAway, TryLater, Undeliverable
from backend.notifiers.console import ConsoleNotifier
from backend.notifiers.smtp import SmtpNotifier
from backend.settings import Settings


def _console(_settings: Settings, _clock: Clock) -> Notifier:
    return ConsoleNotifier()


def _smtp(settings: Settings, clock: Clock) -> Notifier:
    if not settings.smtp_url or not settings.mail_from:
        raise StartError("Mail by SMTP needs VESTIBULE_SMTP_URL and VESTIBULE_MAIL_FROM.")
    server, from_ = mail_server(settings.smtp_url.get_secret_value()), sender(settings.mail_from)
    return SmtpNotifier(server, from_, name=_own_name(settings.public_url), now=clock.now)


def _own_name(public_url: str) -> str:
    """Return what we call ourselves to mail servers: the name people know us by, or its address (RFC 5321 §4.1.3)."""
    host = urlsplit(public_url).hostname or "localhost"
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return f"[IPv6:{address}]" if ":" in host else f"[{address}]"


NOTIFIERS: Final[Mapping[str, Callable[[Settings, Clock], Notifier]]] = {"console": _console, "smtp": _smtp}
"""How each is made."""

__all__ = ["NOTIFIERS", "Message", "Notifier", "ServerAway", "TryLater", "Undeliverable"]
