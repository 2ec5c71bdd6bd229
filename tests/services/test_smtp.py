"""Mail by SMTP, against a real server: encrypted or not at all, refused or put off, and nobody waits for ever."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.headerregistry import Address
from pathlib import Path
from typing import Any, Final

import pytest
from aiosmtplib import SMTPAuthenticationError, SMTPResponseException
from pydantic import SecretStr

from backend.context import Context
from backend.errors import StartError
from backend.mail_settings import mail_server, sender
from backend.notifiers import Message, Notifier, TryLater, Undeliverable
from backend.notifiers.console import ConsoleNotifier
from backend.notifiers.mime import compose
from backend.notifiers.reasons import LONGEST, reason
from backend.notifiers.smtp import Patience, SmtpNotifier
from backend.settings import Environment, Settings
from tests.application import CHEAP_ARGON2, PATIENCE
from tests.machines.certificates import Certificates
from tests.machines.smtp import FROM, PASSWORD, USERNAME, Fault, Kind, Sink

NOW: Final = datetime(2030, 5, 17, 12, 30, tzinfo=UTC)
USUAL: Final = Patience(connecting=PATIENCE, command=PATIENCE, whole=PATIENCE, farewell=0.1)
HELLO: Final = Message("ana@example.org", "Hello", "How are you?\n", id="0190")
REFUSALS: Final = {
    Fault.CLOSED: (TryLater, "cannot be reached: Connection refused"),
    Fault.BUSY: (TryLater, "421 4.3.2 Too busy"),
    Fault.UNWANTED: (TryLater, "550 5.7.1 Not from you"),
    Fault.RCPT_451: (TryLater, "451 4.7.1 Greylisted"),
    Fault.RCPT_550: (Undeliverable, "550 5.1.1 <…>: no such mailbox"),
    Fault.DATA_451: (TryLater, "451 4.3.0 The disk is full"),
    Fault.DATA_550: (Undeliverable, "550 5.7.1 This looks like junk"),
    Fault.LOST: (TryLater, "hung up"),
}
AT_THE_DOOR: Final = {Fault.BUSY}
"""What only newcomers notice."""


@asynccontextmanager
async def mailing(sink: Sink, url: str | None = None, patience: Patience = USUAL) -> AsyncIterator[SmtpNotifier]:
    """A notifier that hands its mails to this server."""
    server, from_ = mail_server(url or sink.url), sender(FROM)
    notifier = SmtpNotifier(server, from_, name="id.example.org", now=lambda: NOW, patience=patience)
    yield notifier
    await notifier.rest()


@pytest.fixture
async def notifier(smtp: Sink) -> AsyncIterator[SmtpNotifier]:
    """What is tested."""
    async with mailing(smtp) as notifier:
        yield notifier


@pytest.fixture(params=[Kind.STARTTLS, Kind.TLS], ids=["starttls", "tls"])
def encrypted(certificates: Certificates, request: pytest.FixtureRequest) -> Iterator[Sink]:
    """A server that wants TLS, of each kind."""
    sink = Sink(certificates, request.param)
    yield sink
    sink.stop()


@pytest.fixture
def relay(certificates: Certificates) -> Iterator[Sink]:
    """A server that serves its own machine, without TLS and password."""
    sink = Sink(certificates, Kind.RELAY)
    yield sink
    sink.stop()


# --- what arrives ---------------------------------------------------------------------------------------------------


async def test_a_mail_arrives_with_these_headers_and_no_other(smtp: Sink, notifier: SmtpNotifier) -> None:
    await notifier.send(HELLO)
    (taken,) = smtp.messages
    assert (taken.sender, taken.recipients) == ("entrance@example.org", ("ana@example.org",))
    assert taken.text() == "How are you?\n"
    assert dict(taken.message.items()) == {
        "Date": "Fri, 17 May 2030 12:30:00 +0000",
        "From": "Entrance <entrance@example.org>",
        "To": "ana@example.org",
        "Subject": "Hello",
        "Message-ID": "<0190@example.org>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "MIME-Version": "1.0",
        "Content-Type": 'text/plain; charset="utf-8"',
        "Content-Transfer-Encoding": "7bit",
    }


async def test_letters_of_all_scripts_long_lines_and_lone_dots_survive(smtp: Sink, notifier: SmtpNotifier) -> None:
    subject, body = "Grüße, Привет, 你好 🎈", f"Ä\n.\n..\n{'x' * 2000}\nFrom here\n\n你好\n"
    await notifier.send(Message("ana@example.org", subject, body, f"<p>Ä {'y' * 2000}</p>"))
    (taken,) = smtp.messages
    assert (taken.message["Subject"], taken.text()) == (subject, body)
    assert taken.text("html").strip() == f"<p>Ä {'y' * 2000}</p>"
    await notifier.send(Message("ana@example.org", subject, "Short: ä"))
    assert [taken.raw.isascii() for taken in smtp.messages] == [True, True]
    assert max(map(len, taken.raw.split(b"\r\n"))) <= 998  # RFC 5322 §2.1.1


async def test_the_id_is_the_same_each_time_and_differs_without_one(smtp: Sink, notifier: SmtpNotifier) -> None:
    for message in (HELLO, HELLO, Message("ben@example.org", "x", "x"), Message("ben@example.org", "x", "x")):
        await notifier.send(message)
    ids = [taken.message["Message-ID"] for taken in smtp.messages]
    assert ids[:2] == ["<0190@example.org>"] * 2
    assert len(set(ids)) == 3


async def test_the_house_says_its_public_name(smtp: Sink, notifier: SmtpNotifier) -> None:
    await notifier.send(HELLO)
    assert smtp.in_clear.startswith(b"EHLO id.example.org\r\n")


# --- one connection -------------------------------------------------------------------------------------------------


async def test_a_connection_is_kept_until_rest(smtp: Sink, notifier: SmtpNotifier) -> None:
    await asyncio.gather(*(notifier.send(HELLO) for _ in range(4)))
    assert (len(smtp.messages), smtp.connections) == (4, 1)
    await notifier.rest()
    await notifier.rest()
    await notifier.send(HELLO)
    assert (len(smtp.messages), smtp.connections) == (5, 2)


async def test_a_kept_connection_that_died_is_replaced_silently(smtp: Sink, notifier: SmtpNotifier) -> None:
    await notifier.send(HELLO)
    smtp.hang_up()
    await notifier.send(HELLO)
    assert (len(smtp.messages), smtp.connections) == (2, 2)


async def test_a_kept_connection_that_went_silent_is_replaced_too(smtp: Sink) -> None:
    async with mailing(smtp, patience=Patience(connecting=2, farewell=0.1)) as notifier:
        await notifier.send(HELLO)
        smtp.fault = Fault.FROZEN
        await asyncio.wait_for(notifier.send(HELLO), PATIENCE)
    assert (len(smtp.messages), smtp.connections) == (2, 2)


async def test_a_mail_that_was_broken_off_leaves_nothing_behind(smtp: Sink, notifier: SmtpNotifier) -> None:
    await notifier.send(HELLO)
    smtp.fault = Fault.SLOW
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await notifier.send(Message("eve@example.org", "Broken off", "x"))
    smtp.fault = Fault.NONE
    await notifier.send(HELLO)
    assert [taken.recipients for taken in smtp.messages] == [("ana@example.org",)] * 2
    assert smtp.connections == 2


# --- what goes wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", REFUSALS, ids=lambda fault: fault.name.lower())
@pytest.mark.parametrize("kept", [False, True], ids=["new", "kept"])
async def test_each_fault_has_its_word_and_passes(
    smtp: Sink, notifier: SmtpNotifier, fault: Fault, *, kept: bool
) -> None:
    if kept and fault not in AT_THE_DOOR:
        await notifier.send(HELLO)
    before, (refusal, words) = len(smtp.messages), REFUSALS[fault]
    smtp.fault = fault
    with pytest.raises(refusal) as told:
        await notifier.send(HELLO)
    assert words in str(told.value)
    assert len(smtp.messages) - before == (fault is Fault.LOST)
    smtp.fault = Fault.NONE
    await notifier.send(HELLO)
    assert smtp.messages[-1].recipients == ("ana@example.org",)


@pytest.mark.parametrize(
    ("fault", "patience"),
    [
        pytest.param(Fault.SILENT, Patience(connecting=0.1), id="silent"),
        pytest.param(Fault.SLOW, Patience(connecting=0.1), id="slow-greeting"),
        pytest.param(Fault.SLOW, Patience(command=0.1), id="slow-answers"),
        pytest.param(Fault.SLOW, Patience(whole=0.3), id="slow-on-the-whole"),
    ],
)
async def test_nobody_waits_longer_than_told(smtp: Sink, fault: Fault, patience: Patience) -> None:
    smtp.fault = fault
    async with mailing(smtp, patience=patience) as notifier, asyncio.timeout(PATIENCE):
        with pytest.raises(TryLater, match="in time"):
            await notifier.send(HELLO)
    assert smtp.messages == []


async def test_rest_waits_for_nobody(smtp: Sink, notifier: SmtpNotifier) -> None:
    for fault in (Fault.CLOSED, Fault.FROZEN):
        await notifier.send(HELLO)
        smtp.fault = fault
        await asyncio.wait_for(notifier.rest(), PATIENCE)
        smtp.fault = Fault.NONE


# --- who may read along ---------------------------------------------------------------------------------------------


async def test_tls_of_each_kind_hides_everything(encrypted: Sink) -> None:
    async with mailing(encrypted) as notifier:
        await notifier.send(HELLO)
    assert len(encrypted.messages) == 1
    assert b"AUTH" not in encrypted.in_clear
    assert b"MAIL" not in encrypted.in_clear


async def test_a_certificate_for_another_host_is_refused(encrypted: Sink) -> None:
    encrypted.fault = Fault.IMPOSTOR
    async with mailing(encrypted) as notifier:
        await _finds_nobody_to_trust(notifier, encrypted)


async def test_a_certificate_of_an_unknown_ca_is_refused(encrypted: Sink) -> None:
    async with mailing(encrypted, encrypted.url.partition("ca=")[0]) as notifier:
        await _finds_nobody_to_trust(notifier, encrypted)


async def test_without_starttls_nothing_is_said(smtp: Sink, notifier: SmtpNotifier) -> None:
    smtp.fault = Fault.STRIPPED
    with pytest.raises(TryLater, match="offers no TLS"):
        await notifier.send(HELLO)
    assert smtp.messages == []
    assert smtp.in_clear == b"EHLO id.example.org\r\n"


async def test_a_relay_on_this_machine_needs_neither(relay: Sink) -> None:
    async with mailing(relay) as notifier:
        await notifier.send(HELLO)
    assert len(relay.messages) == 1


@pytest.mark.parametrize("way", ["PLAIN", "LOGIN"])
async def test_signing_in_works_by_either_way(smtp: Sink, notifier: SmtpNotifier, way: str) -> None:
    smtp.ways = {way}
    await notifier.send(HELLO)
    assert len(smtp.messages) == 1


async def test_a_refused_password_is_a_matter_of_settings(smtp: Sink) -> None:
    async with mailing(smtp, smtp.url.replace("p%40ss", "pass")) as notifier:
        with pytest.raises(TryLater, match="refuses our user or password: 535") as told:
            await notifier.send(HELLO)
    assert "w:rd" not in str(told.value)
    assert smtp.messages == []


async def test_a_server_without_a_way_to_sign_in_is_told(smtp: Sink, notifier: SmtpNotifier) -> None:
    smtp.ways = set()
    with pytest.raises(TryLater, match="no way to sign in"):
        await notifier.send(HELLO)


# --- what somebody slips in -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"to": "ana@example.org\r\nBcc: eve@example.org"},
        {"to": "ana@example.org, eve@example.org"},
        {"to": "ana@example.org> RCPT TO:<eve@example.org"},
        {"to": "Ana <ana@example.org>"},
        {"to": "=?utf-8?q?=0D=0ABcc=3A_eve=40example.org?=@example.org"},
        {"to": "=?utf-8?q?eve?=@example.org"},
        {"to": ""},
        {"subject": "Hello\r\nBcc: eve@example.org"},
        {"subject": "Hello\nX: y"},
        {"subject": "Hello\u2028X: y"},
        {"body": "\ud800"},
        {"id": "1>\r\nBcc: eve@example.org"},
    ],
    ids=lambda change: ascii(change).replace("\\", ""),
)
async def test_what_no_header_can_hold_is_refused_unsent(
    smtp: Sink, notifier: SmtpNotifier, change: dict[str, str]
) -> None:
    with pytest.raises(Undeliverable):
        await notifier.send(Message(**{"to": "ana@example.org", "subject": "Hello", "body": "x", **change}))
    assert (smtp.messages, smtp.connections) == ([], 0)


async def test_an_encoded_word_in_a_subject_stays_text(smtp: Sink, notifier: SmtpNotifier) -> None:
    await notifier.send(Message("ana@example.org", "Hi =?utf-8?q?x=0D=0ABcc:_eve=40example.org?=", "x"))
    (taken,) = smtp.messages
    assert "Bcc" not in taken.message
    assert taken.message["Subject"] == "Hi = ?utf-8?q?x=0D=0ABcc:_eve=40example.org?="


def test_headers_that_come_out_otherwise_than_they_went_in_are_refused() -> None:
    name = "=?utf-8?q?=0D=0ABcc:_eve=40example.org?="
    with pytest.raises(Undeliverable):
        compose(HELLO, Address(name, "entrance", "example.org"), NOW)


async def test_an_address_beyond_ascii_needs_a_server_that_knows_them(smtp: Sink, notifier: SmtpNotifier) -> None:
    await notifier.send(Message("aña@example.org", "Grüße", "x"))
    assert smtp.messages[0].recipients == ("aña@example.org",)
    assert "To: aña@example.org".encode() in smtp.messages[0].raw
    await notifier.rest()
    smtp.fault = Fault.ASCII_ONLY
    with pytest.raises(Undeliverable, match="ASCII only"):
        await notifier.send(Message("aña@example.org", "Grüße", "x"))
    await notifier.send(Message("ana@münchen.example", "Grüße", "x"))
    assert smtp.messages[1].recipients == ("ana@xn--mnchen-3ya.example",)


def test_a_reason_is_one_short_line_without_secrets() -> None:
    said = SMTPResponseException(550, f"No\r\n\x1b[31m\udc80{PASSWORD}\u202e for Ana@example.org " + "x" * 500)
    line = reason(said, without=("ana@example.org", PASSWORD, ""))
    assert line.startswith("The mail server said: 550 No [31m … for … xxx")
    assert (len(line), line.isprintable()) == (LONGEST, True)
    assert "wrong" in reason(SMTPAuthenticationError(535, "wrong"), without=())


# --- how it is chosen -----------------------------------------------------------------------------------------------


async def test_the_settings_choose_the_way(smtp: Sink, tmp_path: Path) -> None:
    async with _context(tmp_path, public_url="http://127.0.0.1:8000", **smtp.settings) as context:
        assert isinstance(context.notifier, SmtpNotifier)
        await context.notifier.send(HELLO)
        await context.notifier.rest()
    assert smtp.in_clear.startswith(b"EHLO [127.0.0.1]\r\n")
    async with _context(tmp_path) as context:
        assert isinstance(context.notifier, ConsoleNotifier)
    async with _context(tmp_path, env=Environment.PRODUCTION) as context:
        assert context.notifier is None


@pytest.mark.parametrize("content", [None, "no certificate"], ids=["missing", "nonsense"])
def test_a_ca_that_cannot_be_read_stops_the_start(tmp_path: Path, content: str | None) -> None:
    ca = tmp_path / "ca.pem"
    if content:
        ca.write_text(content)
    url = f"smtps://{USERNAME.replace('@', '%40')}:x@mail.example.org?ca={ca}"
    with pytest.raises(StartError, match=r"VESTIBULE_SMTP_URL: the file .*ca\.pem"):
        Context.build(Settings(_env_file=None, data_dir=tmp_path, smtp_url=SecretStr(url), mail_from=FROM))


async def _finds_nobody_to_trust(notifier: Notifier, sink: Sink) -> None:
    with pytest.raises(TryLater, match="is not who it should be"):
        await notifier.send(HELLO)
    assert sink.messages == []
    assert b"AUTH" not in sink.in_clear
    assert b"MAIL" not in sink.in_clear


@asynccontextmanager
async def _context(place: Path, **values: Any) -> AsyncIterator[Context]:
    context = Context.build(Settings(_env_file=None, data_dir=place / "graph_data", argon2=CHEAP_ARGON2, **values))
    yield context
    await context.close()
