"""Network addresses: how they are read, and under which key those of one subscriber are counted."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

_SUBSCRIBER: Final = 64


def as_address(text: str) -> IPv4Address | IPv6Address | None:
    """Read a network address, None if it is none: without a zone, and IPv4-mapped IPv6 as IPv4."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return found if isinstance(found, IPv4Address) else found.ipv4_mapped or IPv6Address(int(found))


def network_of(address: str | None) -> str | None:
    """Return the key under which an address is counted: itself, or in IPv6 its /64, which is one subscriber's.

    All text that is no address has the same key: inventing addresses gains nothing. None: the address is not known.
    """
    if address is None:
        return None
    found = as_address(address)
    if found is None:
        return "from elsewhere"
    return f"from {ip_network((found, _SUBSCRIBER), strict=False) if isinstance(found, IPv6Address) else found}"
