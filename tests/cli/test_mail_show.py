"""Mails by command: how one reads, before anybody gets it, and what is wrong with a template of one's own."""

from pathlib import Path
from typing import Final

from tests.cli.terminal import Terminal

ADDRESS: Final = {"PUBLIC_URL": "https://id.example.org"}


def _drop(terminal: Terminal, name: str, text: str) -> Path:
    folder = terminal.data_dir / "mail"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def test_a_mail_is_printed_with_example_values(terminal: Terminal) -> None:
    text = terminal.run("mail", "show", "reset_password", **ADDRESS)
    unproven = terminal.run("mail", "show", "reset_password", "--unproven", **ADDRESS)
    html = terminal.run("mail", "show", "reset_password", "--html", **ADDRESS)
    both = terminal.run("mail", "show", "reset_password", "--json", **ADDRESS)

    assert (text.code, unproven.code, html.code, both.code) == (0, 0, 0, 0)
    assert text.out.startswith("Subject: Reset your password at id.example.org\n\nHello Ana,\n\n")
    assert "https://id.example.org/reset-password#token=" in text.out
    assert "Ana" not in unproven.out
    assert html.out.startswith("<!DOCTYPE html>")
    assert (both.json["purpose"], both.json["html"]) == ("reset_password", html.out.strip())
    assert f"Subject: {both.json['subject']}\n\n{both.json['text']}\n" == text.out


def test_ones_own_template_is_printed_instead(terminal: Terminal) -> None:
    _drop(terminal, "new_device.txt", "Subject: Was it you?\n\n{{ device }} at {{ moment }}")
    shown = terminal.run("mail", "show", "new_device")
    html = terminal.run("mail", "show", "new_device", "--html")

    assert shown.out == 'Subject: Was it you?\n\n"Reading room", Firefox on Linux at 4 May 2026, 09:30 UTC\n'
    assert (html.code, html.out) == (2, "")
    assert "there is a new_device.txt but no new_device.html" in html.err


def test_a_broken_template_is_told_with_its_place(terminal: Terminal) -> None:
    dropped = _drop(terminal, "account_rejected.txt", "Subject: No\n\nHello {{ nick }}")
    refused = terminal.run("mail", "show", "account_rejected")
    dropped.write_text("Subject: No\n\nHello {{ name.upper() }}")
    with_nobody = terminal.run("mail", "show", "account_rejected", "--json")

    assert (refused.code, refused.out) == (1, "")
    assert refused.err == "account_rejected.txt, line 3: 'nick' is undefined\n"
    assert (with_nobody.code, with_nobody.out) == (1, "")
    assert '"error_code": "TEMPLATE_BROKEN"' in with_nobody.err
    assert "has no attribute 'upper'" in with_nobody.err


def test_there_is_no_mail_of_another_name(terminal: Terminal) -> None:
    refused = terminal.run("mail", "show", "birthday")

    assert (refused.code, refused.out) == (2, "")
    assert "'reset_password'" in refused.err
