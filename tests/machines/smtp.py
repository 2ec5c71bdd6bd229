"""A real mail server on a loopback port: it keeps what it took, and goes wrong in every way that is asked of it."""

import asyncio
import socket
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from enum import Enum, auto
from typing import Any, Final, TypeVar
from urllib.parse import quote

from aiosmtpd.smtp import MISSING, SMTP, AuthResult, Envelope, LoginPassword, Session
from pydantic import SecretStr

from tests.machines.certificates import HERE, Certificates

T = TypeVar("T")

USERNAME: Final = "entrance@example.org"
PASSWORD: Final = "p@ss/w:rd ü"
FROM: Final = "Entrance <entrance@example.org>"

_BLINK_SECONDS: Final = 0.02
_PATIENCE_SECONDS: Final = 120


class Kind(Enum):
    """What clients have to do before it takes mail."""

    STARTTLS = auto()
    """Ask for TLS, and sign in."""
    TLS = auto()
    """Begin with TLS, and sign in."""
    RELAY = auto()
    """Nothing: it serves its own machine."""


class Fault(Enum):
    """What is wrong with the server."""

    NONE = auto()
    CLOSED = auto()
    """Nobody listens, and who was connected is cut off."""
    SILENT = auto()
    """It takes connections and says nothing."""
    FROZEN = auto()
    """It listens no more to who is connected already."""
    SLOW = auto()
    """It says everything letter by letter."""
    BUSY = auto()
    """421 instead of a greeting."""
    UNWANTED = auto()
    """550 to MAIL FROM."""
    RCPT_451 = auto()
    RCPT_550 = auto()
    DATA_451 = auto()
    DATA_550 = auto()
    LOST = auto()
    """It takes the mail and is gone before it has said so."""
    HELD = auto()
    """It takes the mail and does not come to say so."""
    ASCII_ONLY = auto()
    """No SMTPUTF8."""
    STRIPPED = auto()
    """No STARTTLS, as if somebody on the way had taken it out."""
    IMPOSTOR = auto()
    """Its certificate names another host."""


_REPLIES: Final = {
    (Fault.UNWANTED, "MAIL"): "550 5.7.1 Not from you",
    (Fault.RCPT_451, "RCPT"): "451 4.7.1 Greylisted, come back later",
    (Fault.RCPT_550, "RCPT"): "550 5.1.1 <{to}>: no such mailbox",
    (Fault.DATA_451, "DATA"): "451 4.3.0 The disk is full",
    (Fault.DATA_550, "DATA"): "550 5.7.1 This looks like junk",
}


@dataclass(frozen=True)
class Taken:
    """A mail that the server has taken, and responsibility with it."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage
    raw: bytes

    def text(self, kind: str = "plain") -> str:
        """Return the text as a mail program shows it."""
        part = self.message.get_body((kind,))
        return "" if part is None else str(part.get_content()).replace("\r\n", "\n")


class Sink:
    """A running server: `messages` are what it took, `fault` may change at any time."""

    def __init__(self, certificates: Certificates, kind: Kind = Kind.STARTTLS) -> None:
        """Start it."""
        self.messages: list[Taken] = []
        self.connections = 0
        self.in_clear = b""
        """What clients said without TLS."""
        self.ways = {"PLAIN", "LOGIN"}
        """How one can sign in."""
        self.ca = certificates.ca
        self.kind = kind
        self._own, self._foreign = certificates.context_for(*HERE), certificates.context_for("mail.example.org")
        self._fault = Fault.NONE
        self._server: asyncio.Server | None = None
        self._transports: set[asyncio.WriteTransport] = set()
        self._place = _listening_socket(0)  # bound and never listened to: the port is ours while nobody answers
        self.port: int = self._place.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._do(self._turn(Fault.NONE))

    @property
    def url(self) -> str:
        """Where it is and all that it wants, as `VESTIBULE_SMTP_URL`."""
        if self.kind is Kind.RELAY:
            return f"smtp://127.0.0.1:{self.port}"
        scheme, tls = ("smtps", "") if self.kind is Kind.TLS else ("smtp", "tls=required&")
        who = f"{quote(USERNAME, safe='')}:{quote(PASSWORD, safe='')}"
        return f"{scheme}://{who}@127.0.0.1:{self.port}?{tls}ca={quote(str(self.ca))}"

    @property
    def settings(self) -> dict[str, Any]:
        """What `Settings` need to send by it."""
        return {"smtp_url": SecretStr(self.url), "mail_from": FROM}

    @property
    def fault(self) -> Fault:
        """What is wrong with it at the moment."""
        return self._fault

    @fault.setter
    def fault(self, fault: Fault) -> None:
        self._do(self._turn(fault))

    def hang_up(self) -> None:
        """Cut everybody off who is connected."""
        self._do(self.cut_off())

    def stop(self) -> None:
        """End it; nobody listens any more."""
        self._do(self._turn(Fault.CLOSED))
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE_SECONDS)
        self._loop.close()
        self._place.close()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_SECONDS)

    async def _turn(self, fault: Fault) -> None:
        self._fault = fault
        if self._server:
            await self._close(self._server)
            self._server = None
        if fault is Fault.CLOSED:
            await self.cut_off()
            return
        self._server = await self._loop.create_server(
            self._answer, sock=_listening_socket(self.port), ssl=self.tls if self.kind is Kind.TLS else None
        )

    async def _close(self, server: asyncio.Server) -> None:
        """Let nobody in any more; who has just been let in would be left standing there by a server that is closed."""
        for place in server.sockets:
            self._loop.remove_reader(place.fileno())
        await asyncio.sleep(0)
        server.close()

    async def cut_off(self) -> None:
        """Cut everybody off, within the server's own loop."""
        for transport in self._transports:
            transport.abort()
        await asyncio.sleep(0)  # their conversations end here, the one that may have called included

    async def _end(self) -> None:
        while conversations := asyncio.all_tasks() - {asyncio.current_task()}:
            await self.cut_off()  # who was just coming in
            await asyncio.gather(*conversations, return_exceptions=True)

    @property
    def tls(self) -> Any:  # aiosmtpd's own
        """The certificate it shows."""
        return self._foreign if self._fault is Fault.IMPOSTOR else self._own

    def opened(self, transport: asyncio.WriteTransport) -> None:
        """Note that somebody is connected."""
        self.connections += 1
        self._transports.add(transport)

    def closed(self, transport: asyncio.WriteTransport) -> None:
        """Note that they are no more."""
        self._transports.discard(transport)
        transport.abort()  # beneath TLS it may be open still

    def _answer(self) -> asyncio.Protocol:
        return _Mute(self) if self._fault is Fault.SILENT else _Conversation(self)


class _Mute(asyncio.Protocol):
    """Takes everything and says nothing."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._sink.opened(transport)

    def connection_lost(self, _: Exception | None) -> None:
        self._sink.closed(self._transport)


class _Conversation(SMTP):
    """One client's connection."""

    def __init__(self, sink: Sink) -> None:
        super().__init__(
            _Clerk(sink),
            hostname="localhost",
            enable_SMTPUTF8=sink.fault is not Fault.ASCII_ONLY,
            tls_context=sink.tls if sink.kind is Kind.STARTTLS and sink.fault is not Fault.STRIPPED else None,
            require_starttls=True,
            auth_required=sink.kind is not Kind.RELAY,
            auth_exclude_mechanism={"PLAIN", "LOGIN"} - sink.ways,
            authenticator=_authenticate,
        )
        self._auth_require_tls = sink.kind is not Kind.TLS  # the library knows of STARTTLS only
        self._sink = sink
        self._began_with = sink.fault
        self._first: Any = None

    def connection_made(self, transport: Any) -> None:
        if self._first is None:  # STARTTLS makes it once more
            self._first = transport
            self._sink.opened(transport)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._sink.closed(self._first)
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if self._sink.fault is Fault.FROZEN is not self._began_with:
            return
        if not self._tls_protocol and self._sink.kind is not Kind.TLS:
            self._sink.in_clear += data
        super().data_received(data)

    async def push(self, status: Any) -> None:
        if self._sink.fault is Fault.BUSY and status.startswith("220 "):
            await super().push("421 4.3.2 Too busy, come back later")
            self._writer.close()
        elif self._sink.fault is Fault.SLOW:
            for letter in f"{status}\r\n".encode():
                await asyncio.sleep(_BLINK_SECONDS)  # none after the last one: TLS may begin with the next byte
                self._writer.write(bytes([letter]))
        else:
            await super().push(status)


class _Clerk:
    """Decides what becomes of a mail."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    async def handle_MAIL(self, _: SMTP, _s: Session, _e: Envelope, _from: str, _o: list[str]) -> Any:  # noqa: N802
        return self._reply("MAIL")

    async def handle_RCPT(self, _: SMTP, _s: Session, _e: Envelope, to: str, _o: list[str]) -> Any:  # noqa: N802
        return self._reply("RCPT", to)

    async def handle_DATA(self, _: SMTP, _s: Session, envelope: Envelope) -> Any:  # noqa: N802
        reply = self._reply("DATA")
        if reply is not MISSING:
            return reply
        raw = envelope.original_content or b""
        message = message_from_bytes(raw, policy=default)
        self._sink.messages.append(Taken(str(envelope.mail_from), tuple(envelope.rcpt_tos), message, raw))
        if self._sink.fault is Fault.LOST:
            await self._sink.cut_off()
        if self._sink.fault is Fault.HELD:
            await asyncio.Event().wait()  # until the client goes away
        return MISSING

    def _reply(self, command: str, to: str = "") -> Any:
        reply = _REPLIES.get((self._sink.fault, command))
        return reply.format(to=to) if reply else MISSING


def _authenticate(_: SMTP, _s: Session, _e: Envelope, _way: str, given: Any) -> AuthResult:
    right = given == LoginPassword(USERNAME.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)


def _listening_socket(port: int) -> socket.socket:
    place = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio waits less with this
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    place.bind(("127.0.0.1", port))
    return place
