"""Plug point: how mail leaves the house. One file a way, one table of names."""

from collections.abc import Mapping
from typing import Final

from backend.notifiers.base import Message, Notifier, TryLater, Undeliverable
from backend.notifiers.console import ConsoleNotifier

NOTIFIERS: Final[Mapping[str, type[Notifier]]] = {"console": ConsoleNotifier}

__all__ = ["NOTIFIERS", "Message", "Notifier", "TryLater", "Undeliverable"]
