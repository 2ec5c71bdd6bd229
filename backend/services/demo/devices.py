"""Invented devices: browsers and programs, at addresses for documentation (RFC 5737, RFC 3849)."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from backend.models import Carrier
from backend.services.audit import Origin

_GECKO: Final = "Mozilla/5.0 ({system}; rv:144.0) Gecko/20100101 Firefox/144.0"
_CHROME: Final = "Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
_SAFARI: Final = "Mozilla/5.0 ({system}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15"
_DESKS: Final = (
    _GECKO.format(system="X11; Linux x86_64"),
    _GECKO.format(system="Windows NT 10.0; Win64; x64"),
    _GECKO.format(system="Macintosh; Intel Mac OS X 10.15"),
    _CHROME.format(system="Windows NT 10.0; Win64; x64"),
    _CHROME.format(system="Macintosh; Intel Mac OS X 10_15_7"),
    _SAFARI.format(system="Macintosh; Intel Mac OS X 10_15_7"),
    _CHROME.format(system="Windows NT 10.0; Win64; x64") + " Edg/142.0.0.0",
)
_POCKETS: Final = (
    _CHROME.format(system="Linux; Android 10; K").replace(" Safari", " Mobile Safari"),
    _SAFARI.format(system="iPhone; CPU iPhone OS 18_6 like Mac OS X"),
    _SAFARI.format(system="iPad; CPU OS 18_6 like Mac OS X"),
)
_PROGRAMS: Final = ("graph-sync/2.4", "python-httpx/0.28.1", "curl/8.14.1")
_NETWORKS: Final = ("192.0.2.{host}", "198.51.100.{host}", "203.0.113.{host}", "2001:db8:{host:x}::{own:x}")
_PROGRAMMERS: Final = 0.15


@dataclass(frozen=True)
class Device:
    """What somebody signs in with, and from where."""

    origin: Origin
    carrier: Carrier
    name: str | None = None


def of_somebody(chance: random.Random, names: Sequence[str]) -> Sequence[Device]:
    """Make up the devices of one person, the one they use most first; `names` are what people call theirs."""
    home, office = _address(chance), _address(chance)
    found = [Device(Origin(office, chance.choice(_DESKS)), Carrier.COOKIE)]
    if chance.random() < 1 / 2:
        name = chance.choice(names) if chance.random() < 1 / 3 else None
        found.append(Device(Origin(home, chance.choice(_POCKETS)), Carrier.COOKIE, name))
    if chance.random() < _PROGRAMMERS:
        found.append(Device(Origin(office, chance.choice(_PROGRAMS)), Carrier.BEARER))
    return found


def unlike(chance: random.Random, names: Sequence[str], number: int, first: Device | None) -> Sequence[Device]:
    """Make up browsers of one person, no two of a kind, beginning with a `first` one."""
    found = {first.origin.user_agent: first} if first else {}
    while len(found) < number:
        device = chance.choice(of_somebody(chance, names))
        if device.carrier is Carrier.COOKIE:
            found.setdefault(device.origin.user_agent, device)
    return list(found.values())


def of_a_stranger(chance: random.Random) -> Origin:
    """Make up from where somebody guesses at passwords."""
    return Origin(_NETWORKS[2].format(host=chance.randrange(2, 254)), "python-requests/2.32.5")


def _address(chance: random.Random) -> str:
    return chance.choice(_NETWORKS).format(host=chance.randrange(2, 254), own=chance.randrange(1, 0xFFFF))
