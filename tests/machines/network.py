"""The closed network: this process may talk to itself and its servers, and to nobody else."""

import ipaddress
import socket
import sys
from typing import Final

refused: Final[list[str]] = []

_LOOKUPS: Final = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})
_CONVERSATIONS: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_closed: Final[list[bool]] = []


class NetworkClosedError(RuntimeError):
    """A test reached for the network; not an OSError, because code under test expects those."""


def close() -> None:
    """Refuse everything but loopback and Unix sockets from now on, as long as this process lives."""
    if not _closed:
        _closed.append(True)
        sys.addaudithook(_guard)


def _guard(event: str, arguments: tuple[object, ...]) -> None:
    if event in _CONVERSATIONS:
        sock, address = arguments[0], arguments[1]
        is_internet = isinstance(sock, socket.socket) and sock.family in {socket.AF_INET, socket.AF_INET6}
        if is_internet and isinstance(address, tuple) and not _is_loopback(address[0]):
            _refuse(f"{event} {address[0]}:{address[1]}")
    elif event in _LOOKUPS and not _is_known(arguments[0]):
        _refuse(f"{event} {arguments[0]!r}")


def _refuse(attempt: str) -> None:
    refused.append(attempt)
    raise NetworkClosedError(f"Tests have no network: {attempt}")


def _is_loopback(host: object) -> bool:
    try:
        address = ipaddress.ip_address(str(host))
    except ValueError:
        return host == "localhost"
    return address.is_loopback or address.is_unspecified


def _is_known(host: object) -> bool:
    # A number needs no look-up, and our own name is asked for by SMTP and HTTP servers.
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if name is None or name in {"", "localhost", socket.gethostname()}:
        return True
    try:
        ipaddress.ip_address(str(name))
    except ValueError:
        return False
    return True
