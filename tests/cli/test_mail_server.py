"""`mail test`: whether mail really leaves, said in one sentence."""

from tests.cli.terminal import Finished, Terminal
from tests.machines.smtp import FROM, PASSWORD, Fault, Sink


def _try(terminal: Terminal, smtp: Sink, *options: str) -> Finished:
    return terminal.run("mail", "test", "--to", "ana@example.org", *options, SMTP_URL=smtp.url, MAIL_FROM=FROM)


def test_a_mail_that_was_taken_is_told_and_is_there(terminal: Terminal, smtp: Sink) -> None:
    done = _try(terminal, smtp)

    assert (done.code, done.out) == (0, "The mail server accepted the mail to ana@example.org.\n")
    (taken,) = smtp.messages
    assert taken.recipients == ("ana@example.org",)
    assert "http://127.0.0.1:8000" in taken.text()


def test_what_the_server_says_against_it_is_told(terminal: Terminal, smtp: Sink) -> None:
    smtp.fault = Fault.RCPT_550

    refused, as_json = _try(terminal, smtp), _try(terminal, smtp, "--json")

    words = "The mail server said: 550 5.1.1 <…>: no such mailbox"
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == f"The mail to ana@example.org was not sent. {words}\n"
    assert (as_json.code, as_json.json) == (1, {"to": "ana@example.org", "accepted": False, "why": words})


def test_a_server_that_is_away_is_told_without_the_password(terminal: Terminal, smtp: Sink) -> None:
    smtp.fault = Fault.CLOSED

    refused = _try(terminal, smtp)

    assert refused.code == 1
    assert "cannot be reached: Connection refused" in refused.err
    assert PASSWORD not in refused.err


def test_without_a_mail_server_nothing_is_sent(terminal: Terminal) -> None:
    refused = terminal.run("mail", "test", "--to", "ana@example.org")

    assert (refused.code, refused.out) == (1, "")
    assert "No mail server is set (VESTIBULE_SMTP_URL)" in refused.err


def test_an_address_that_is_none_is_refused(terminal: Terminal) -> None:
    assert terminal.run("mail", "test", "--to", "ana").code == 2
