"""What mails say: a subject of one line, the same in text and HTML, and to an unproven address no stranger's words."""

import re
from dataclasses import fields, replace
from html import unescape
from pathlib import Path
from typing import Any, Final

import pytest

from backend.models import MailPurpose
from backend.services.example_letters import example, examples
from backend.services.letters import FOOT, LONGEST_SUBJECT, OURS, SHARED, Letter, Letters
from tests.security.test_inert_pages import VECTORS

HOUSE: Final = "https://id.example.org"
LONGEST_HOST: Final = "https://accounts.department-of-marine-sciences.university.example.org:8443"
TYPED: Final = "Cheap pills at evil.example"
GAVE: Final = "someone, probably you, used this email address for"
PURPOSES: Final = list(MailPurpose)
DECIDED: Final = [MailPurpose.ACCOUNT_APPROVED, MailPurpose.ACCOUNT_REJECTED]


def _typed(letter: Letter) -> Letter:
    """The same letter, about a sign-in in which a stranger has filled in whatever could be."""
    session = example(MailPurpose.NEW_DEVICE, HOUSE).session
    words = ("agent", "user_agent", "device_name", "device_id", "device_type", "ip_address")
    return replace(letter, session=session and session.model_copy(update=dict.fromkeys(words, TYPED)))


def _shown(html: str) -> str:
    """What a mail program shows of HTML."""
    body = re.sub(r"<title>.*?</title>|<[^>]+>", " ", html, flags=re.DOTALL)
    return " ".join(unescape(body).split())


def _squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


def test_every_mail_has_a_template_of_each_kind_and_there_is_no_other() -> None:
    expected = {f"{purpose}.{kind}" for purpose in PURPOSES for kind in ("txt", "html")}

    assert {path.name for path in OURS.iterdir()} == expected | {*SHARED, FOOT}


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_subject_is_one_short_line_that_names_the_host_and_nobody(purpose: MailPurpose) -> None:
    subjects = {Letters().write(purpose, letter).subject for letter in examples(purpose, HOUSE)}
    (long,) = {Letters().write(purpose, letter).subject for letter in examples(purpose, LONGEST_HOST)}
    (subject,) = subjects

    assert "id.example.org" in subject
    assert subject.isascii()
    assert max(len(subject), len(long)) <= LONGEST_SUBJECT
    assert "\n" not in subject + long


@pytest.mark.parametrize("purpose", PURPOSES)
def test_text_and_html_are_whole_whatever_is_missing(purpose: MailPurpose) -> None:
    for letter in examples(purpose, HOUSE):
        written = Letters().write(purpose, letter)
        text, html = written.text, written.html or ""

        assert text.startswith(f"Hello {letter.name},\n\n" if letter.name else "Hello,\n\n")
        assert not re.search(r"None|[{}%]|\n\n\n|[ \t]\n|\r|  \w+ {2}", text.replace("\n    ", "\n"))
        assert "None" not in html
        assert html.startswith("<!DOCTYPE html>\n<html lang=")
        for needed in (letter.link, letter.token):
            assert needed is None or (needed in text and needed in _shown(html))
        assert letter.link is None or f'href="{letter.link}"' in html


@pytest.mark.parametrize("purpose", PURPOSES)
def test_html_says_all_that_the_text_says(purpose: MailPurpose) -> None:
    for letter in examples(purpose, HOUSE):
        for each in (letter, replace(letter, link=None)):
            written = Letters().write(purpose, each)
            paragraphs = re.sub(r"^> ", "", written.text, flags=re.MULTILINE).split("\n\n")

            assert written.html
            shown = _squeezed(_shown(written.html))
            assert [one for one in paragraphs if _squeezed(one) not in shown] == []


@pytest.mark.parametrize("purpose", PURPOSES)
def test_html_loads_nothing_and_links_only_to_us(purpose: MailPurpose) -> None:
    html = Letters().write(purpose, example(purpose, HOUSE)).html or ""

    assert set(re.findall(r'(?:href|src|action)="([^#"]*)', html)) <= {
        f"{HOUSE}/{path}"
        for path in (
            "verify",
            "reset-password",
            "login",
            "approvals",
            "forgot-password",
            "account",
            "devices",
            "organizations",
            "invitation",
        )
    }
    assert not re.search(r"<(img|script|style|link|iframe|form|table|base)|url\(|@import| on\w+=", html)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_an_unproven_address_gets_nothing_that_a_stranger_typed(purpose: MailPurpose) -> None:
    nobody: dict[str, Any] = {"name": None, "username": None, "reason": None, "organization": TYPED}
    letter = replace(_typed(example(purpose, HOUSE, unproven=True)), **nobody)
    proven = Letters().write(purpose, replace(letter, name=TYPED, username="ana"))
    written = Letters().write(purpose, letter)

    assert TYPED not in f"{written.subject}{written.text}{written.html}"
    invited = purpose is MailPurpose.ORGANIZATION_INVITATION
    why = (
        "with an account at id.example.org invited this email address"
        if invited
        else f"{GAVE} an account at id.example.org"
    )
    assert why in written.text
    assert proven.text.startswith(f"Hello {TYPED},")


def test_an_unproven_address_is_told_of_a_device_in_our_words() -> None:
    letter = replace(example(MailPurpose.NEW_DEVICE, HOUSE), name=None, username=None)
    written = Letters().write(MailPurpose.NEW_DEVICE, letter)
    typed = Letters().write(MailPurpose.NEW_DEVICE, replace(_typed(letter), username="ana"))
    hidden = Letters().write(MailPurpose.NEW_DEVICE, _typed(letter))

    assert "    Firefox on Linux\n    from 192.0.2.7\n    4 May 2026, 09:30 UTC" in written.text
    assert "Reading room" not in written.text
    assert f'    "{TYPED}", {TYPED}\n    from an unknown address\n' in typed.text
    assert "an unknown program from an unknown address 4 May 2026" in _shown(hidden.html or "")


@pytest.mark.parametrize("purpose", [MailPurpose.VERIFY_EMAIL, MailPurpose.REGISTRATION_RECEIVED])
def test_who_waits_is_told_what_happens_next(purpose: MailPurpose) -> None:
    letter = example(purpose, HOUSE)
    waiting = Letters().write(purpose, replace(letter, pending=True))
    welcome = Letters().write(purpose, replace(letter, pending=False))

    assert "We received" in waiting.text
    assert "we send you a mail with the decision" in waiting.text
    assert "a mail with the decision" not in welcome.text


def test_the_former_address_does_not_learn_the_new_one_and_has_nothing_to_click() -> None:
    written = Letters().write(MailPurpose.EMAIL_CHANGED, example(MailPurpose.EMAIL_CHANGED, HOUSE))

    assert "://" not in written.text
    assert "href" not in (written.html or "")


@pytest.mark.parametrize(
    ("waiting", "said"),
    [(1, "One request for access is"), (2, "2 requests for access are"), (40, "40 requests for access are")],
)
def test_approvers_are_told_how_many_wait(waiting: int, said: str) -> None:
    letter = replace(example(MailPurpose.APPLICANTS_WAITING, HOUSE), waiting=waiting)
    written = Letters().write(MailPurpose.APPLICANTS_WAITING, letter)

    assert f"{said} waiting for review at id.example.org." in written.text
    assert f"{HOUSE}/approvals" in written.text


@pytest.mark.parametrize(("hours", "said"), [(1, "for 1 hour."), (24, "for 24 hours.")])
def test_hours_are_counted_as_people_do(hours: int, said: str) -> None:
    letter = replace(example(MailPurpose.RESET_PASSWORD, HOUSE), hours=hours)

    assert said in Letters().write(MailPurpose.RESET_PASSWORD, letter).text


@pytest.mark.parametrize("purpose", DECIDED)
def test_a_reason_looks_neither_like_our_words_nor_like_a_header(purpose: MailPurpose) -> None:
    reason = "Fine.\r\n\r\n.\r\nSubject: another\rBcc: all@example.org\u2028-- \nAna\x1b[2J\u202etxt.exe\x00\n\n"
    written = Letters().write(purpose, replace(example(purpose, HOUSE), reason=reason))
    quoted = [line for line in written.text.splitlines() if line.startswith(">")]

    assert quoted == [
        "> Fine.", ">", "> .", "> Subject: another", "> Bcc: all@example.org", "> --", "> Ana[2Jtxt.exe"
    ]  # fmt: skip
    assert not re.search("[\r\x00\x1b\u2028\u202e]", f"{written.text}{written.html}")
    assert "another" not in written.subject


def test_a_name_stays_on_its_line() -> None:
    name = "Ana\r\nSubject: x\n\nLopez\u202e\x07"
    letter = replace(example(MailPurpose.RESET_PASSWORD, HOUSE), name=name, username="a\nb")
    written = Letters().write(MailPurpose.RESET_PASSWORD, letter)

    assert written.text.startswith("Hello Ana Subject: x Lopez,\n\n")
    assert 'the account "a b" at' in written.text


@pytest.mark.parametrize("vector", VECTORS, ids=range(len(VECTORS)))
def test_plain_text_is_not_escaped_and_html_is(vector: str) -> None:
    letter = replace(example(MailPurpose.ACCOUNT_REJECTED, HOUSE), name=vector, username=vector, reason=vector)
    written = Letters().write(MailPurpose.ACCOUNT_REJECTED, letter)
    html = written.html or ""

    assert f"Hello {vector},\n" in written.text
    assert f"\n> {vector}\n" in written.text
    assert unescape(html).count(vector) == 3
    assert not re.search("[<>\"']", vector) or vector not in html


def test_the_document_names_every_variable_and_every_mail() -> None:
    text = (Path(__file__).parents[2] / "docs" / "extending.md").read_text()
    names = {field.name for field in fields(Letter)} - {"session"} | {"device", "address", "moment", "subject"}

    assert [name for name in sorted(names) if f"`{name}`" not in text] == []
    assert [purpose for purpose in PURPOSES if f"`{purpose}`" not in text] == []
