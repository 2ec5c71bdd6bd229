"""Mails by SMTP (RFC 5321): encrypted and authenticated as the settings say, or not at all."""

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from typing import Final, cast

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPSenderRefused,
)

from backend.errors import StartError
from backend.mail_settings import Encryption, MailServer
from backend.notifiers.base import Message, ServerAway, TryLater, Undeliverable
from backend.notifiers.mime import Parcel, compose
from backend.notifiers.reasons import reason


@dataclass(frozen=True)
class Patience:
    """How long a mail server is waited for, in seconds, however slowly it speaks."""

    connecting: float = 10
    command: float = 30
    """For each answer."""
    whole: float = 60
    """For a mail from beginning to end; less than the courier's lease."""
    farewell: float = 2


_PATIENCE: Final = Patience()


class _Connection(SMTP):
    """A connection that is gone at once when it is closed: TLS would wait for the other side's farewell."""

    def close(self) -> None:
        transport = self.transport
        super().close()
        if transport is not None:
            cast("asyncio.WriteTransport", transport).abort()


class SmtpNotifier:
    """Hands mails to one mail server, one after the other, by a connection that is kept until `rest`."""

    def __init__(
        self,
        server: MailServer,
        sender: Address,
        *,
        name: str,
        now: Callable[[], datetime],
        patience: Patience = _PATIENCE,
    ) -> None:
        """Prepare, and connect to nothing; `name` is what we call ourselves (RFC 5321 §4.1.1.1).

        Raises:
            StartError: the certificates in `server.ca` cannot be read.
        """
        self._server = server
        self._sender = sender
        self._name = name
        self._now = now
        self._patience = patience
        self._tls = _trust(server)
        self._lock = asyncio.Lock()
        self._kept: _Connection | None = None

    async def send(self, message: Message) -> None:
        """Hand one mail over, within `Patience.whole` seconds.

        Raises:
            Undeliverable: the server refuses this recipient or this mail for good (5yz), or cannot be told the address.
            TryLater: the server does not take it now (4yz).
            ServerAway: it is away, too slow, not trusted, or refuses us.
        """
        parcel = compose(message, self._sender, self._now())
        try:
            async with asyncio.timeout(self._patience.whole), self._lock:
                await self._hand_over(parcel)
        except (SMTPRecipientRefused, SMTPDataError) as error:
            refusal = Undeliverable if 500 <= error.code < 600 else TryLater  # noqa: PLR2004  # RFC 5321 §4.2.1
            raise refusal(self._reason(error, parcel)) from None
        except (SMTPException, OSError, ValueError) as error:
            raise ServerAway(self._reason(error, parcel)) from None

    async def rest(self) -> None:
        """Say goodbye to the server, if a connection is kept."""
        async with self._lock:
            try:
                if self._kept:
                    with suppress(SMTPException, OSError):
                        await self._kept.quit(timeout=self._patience.farewell)
            finally:
                self._drop()

    async def _hand_over(self, parcel: Parcel) -> None:
        try:
            connection = await self._connected()
            options, encoding = _envelope(connection, parcel)
            await connection.mail(self._sender.addr_spec, options=options, encoding=encoding)
            await connection.rcpt(parcel.to, encoding=encoding)
            await connection.data(parcel.content)
        except (Undeliverable, SMTPSenderRefused, SMTPRecipientRefused, SMTPDataError):
            raise  # an answer like any other: the conversation goes on with the next mail
        except BaseException:
            self._drop()  # an answer may still be on its way, and would be taken for that to another command
            raise

    async def _connected(self) -> _Connection:
        """Return a connection on which a mail can begin: the one kept, if it lives, or else a new one."""
        if self._kept:
            with suppress(SMTPException, OSError):
                await self._kept.rset(timeout=self._patience.connecting)
                return self._kept
            self._drop()
        server = self._server
        self._kept = connection = _Connection(
            hostname=server.host,
            port=server.port,
            local_hostname=self._name,
            timeout=self._patience.command,
            use_tls=server.encryption is Encryption.TLS,
            start_tls=False,  # ours to do, below
            tls_context=self._tls,
        )
        async with asyncio.timeout(self._patience.connecting):
            await connection.connect()
        await connection.ehlo()
        if server.encryption is Encryption.STARTTLS:
            if not connection.supports_extension("starttls"):
                raise SMTPException("The mail server offers no TLS (STARTTLS).")
            await connection.starttls()
            await connection.ehlo()  # RFC 3207 §4.2: what was said before counts for nothing
        if server.username:
            await self._sign_in(connection)
        return connection

    async def _sign_in(self, connection: _Connection) -> None:
        """Sign in once, by one way: a second try with the same password counts as guessing with many servers."""
        ways = {"plain": connection.auth_plain, "login": connection.auth_login}
        known = [way for name, way in ways.items() if name in connection.server_auth_methods]
        if not known:
            raise SMTPException("The mail server offers no way to sign in that we know (PLAIN, LOGIN).")
        await known[0](self._server.username, self._server.password)

    def _drop(self) -> None:
        kept, self._kept = self._kept, None
        if kept:
            kept.close()

    def _reason(self, error: Exception, parcel: Parcel) -> str:
        """Say what happened, without the password and whom the mail is for: it is logged and shown."""
        username, password = self._server.username, self._server.password
        blobs = [b64encode(text.encode()).decode() for text in (username, password, f"\0{username}\0{password}")]
        return reason(error, without=(parcel.to, username, password, *blobs))


def _envelope(connection: _Connection, parcel: Parcel) -> tuple[Sequence[str], str]:
    """Return the options and the encoding by which the addresses are told (RFC 6531 §3.4)."""
    if not parcel.international:
        return (), "ascii"
    if not connection.supports_extension("smtputf8"):
        raise Undeliverable("The mail server takes addresses in plain ASCII only.")
    return ("SMTPUTF8",), "utf-8"


def _trust(server: MailServer) -> ssl.SSLContext | None:
    """Decide whose certificates are believed; host names are checked in any case."""
    if server.encryption is Encryption.NONE:
        return None
    try:
        return ssl.create_default_context(cafile=server.ca)
    except OSError:
        raise StartError(
            f"VESTIBULE_SMTP_URL: the file {server.ca} that ca= names cannot be read, or holds no certificates (PEM)."
        ) from None
