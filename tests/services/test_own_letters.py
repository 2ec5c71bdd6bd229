"""Templates that an operator drops into a folder: they replace ours at the next mail, and broken ones cost no mail."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from backend.errors import TemplateBroken
from backend.models import MailPurpose
from backend.services.example_letters import example, examples
from backend.services.letters import LONGEST_SUBJECT, Letters, Written

HOUSE: Final = "https://id.example.org"
PURPOSES: Final = list(MailPurpose)


Log = list[EventDict]


@pytest.fixture
def log() -> Iterator[Log]:
    """What was logged."""
    with capture_logs() as entries:
        yield entries


def _drop(folder: Path, **files: str) -> Path:
    """Drop templates: `reset_password_txt="…"` is the file `reset_password.txt`."""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / ".".join(name.rsplit("_", 1))).write_text(text)
    return folder


def _reset(letters: Letters) -> Written:
    return letters.write(MailPurpose.RESET_PASSWORD, example(MailPurpose.RESET_PASSWORD, HOUSE))


MINE: Final = "Subject: Hi from {{ host }}\n\nDear {{ name or 'friend' }}, use {{ link }}\n"


def test_a_dropped_text_replaces_ours_at_the_next_mail_and_goes_without_html(tmp_path: Path) -> None:
    letters = Letters(tmp_path / "mail")
    before = _reset(letters)
    folder = _drop(tmp_path / "mail", reset_password_txt=MINE)
    dropped = _reset(letters)
    (folder / "reset_password.txt").write_text(MINE.replace("Dear", "Good day"))
    changed = _reset(letters)
    (folder / "reset_password.txt").unlink()

    assert before == _reset(Letters()) == _reset(letters)
    assert (dropped.subject, dropped.html) == ("Hi from id.example.org", None)
    assert dropped.text.startswith("Dear Ana, use https://id.example.org/reset-password#token=")
    assert changed.text.startswith("Good day Ana")


def test_dropped_html_goes_with_our_text_or_with_ones_own(tmp_path: Path) -> None:
    mine = '{% extends "layout.html" %}{% block content %}<p>{{ name }}: {{ link }}</p>{% endblock %}'
    folder = _drop(tmp_path / "mail", reset_password_html=mine)
    letter = replace(example(MailPurpose.RESET_PASSWORD, HOUSE), name="<b>Ana")
    with_ours = Letters(folder).write(MailPurpose.RESET_PASSWORD, letter)
    both = _reset(Letters(_drop(folder, reset_password_txt=MINE)))

    assert with_ours.text == Letters().write(MailPurpose.RESET_PASSWORD, letter).text
    assert "<p>&lt;b&gt;Ana: https://id.example.org/reset-password#token=" in (with_ours.html or "")
    assert "border-bottom: 3px solid" in (with_ours.html or "")
    assert (both.subject, "<p>Ana: https" in (both.html or "")) == ("Hi from id.example.org", True)


def test_a_dropped_layout_changes_all_mails(tmp_path: Path) -> None:
    folder = _drop(tmp_path / "mail", layout_html="<h1>Institute</h1>{% block content %}{% endblock %}")
    written = [Letters(folder).write(purpose, example(purpose, HOUSE)) for purpose in PURPOSES]
    ours = [Letters().write(purpose, example(purpose, HOUSE)) for purpose in PURPOSES]

    mine = _reset(Letters(_drop(folder, reset_password_txt=MINE)))

    assert all(one.html and one.html.startswith("<h1>Institute</h1>") for one in written)
    assert mine.html is None
    assert [(one.subject, one.text) for one in written] == [(one.subject, one.text) for one in ours]


BROKEN: Final = {
    "syntax": "Subject: a\n{% if name %}{{ link }}",
    "unknown": "Subject: a\n{{ nick }} {{ link }}",
    "no-subject": "Hello {{ link }}",
    "empty-subject": "Subject:  \n{{ link }}",
    "empty": "",
    "no-way-in": "Subject: a\nGood luck.",
    "no-mail": "Subject: a\n{{ link }} {{ '\\ud800' }}",
    "filter": "Subject: a\n{{ link|frobnicate }}",
    "type": "Subject: a\n{{ link + hours }}",
    "escape": "Subject: a\n{{ link }}{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "missing": 'Subject: a\n{{ link }}{% include "footer.txt" %}',
    "outside": 'Subject: a\n{{ link }}{% include "../secret.txt" %}',
    "endless": 'Subject: a\n{{ link }}{% include "reset_password.txt" %}',
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=list(BROKEN))
def test_a_broken_text_costs_no_mail_and_is_told_once(tmp_path: Path, text: str, log: Log) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    letters = Letters(_drop(tmp_path / "mail", reset_password_txt=text))
    first, second = _reset(letters), _reset(letters)
    (told,) = log

    assert first == second == _reset(Letters())
    assert (told["event"], told["file"]) == ("mail_template_broken", "reset_password.txt")
    assert not re.search(r"Ana|token=|only-an-example", str(told))


def test_what_is_broken_still_after_a_change_is_told_again(tmp_path: Path, log: Log) -> None:
    letters = Letters(_drop(tmp_path / "mail", reset_password_txt=BROKEN["unknown"]))
    _reset(letters)
    _drop(tmp_path / "mail", reset_password_txt=f"{BROKEN['unknown']}\n")
    _reset(letters)
    first, second = log

    assert (first["file"], first["line"], first["why"]) == ("reset_password.txt", 2, "'nick' is undefined")
    assert second["event"] == "mail_template_broken"


def test_a_log_holds_nothing_of_the_mail_even_if_the_error_does(tmp_path: Path, log: Log) -> None:
    _reset(Letters(_drop(tmp_path / "mail", reset_password_txt="Subject: a\n{{ {}[token] }}")))

    assert "UndefinedError" in str(log)
    assert "only-an-example" not in str(log)


def test_broken_html_falls_back_to_what_fits_the_text(tmp_path: Path) -> None:
    folder = _drop(tmp_path / "mail", reset_password_html="{{ nick }}")
    alone = _reset(Letters(folder))
    with_mine = _reset(Letters(_drop(folder, reset_password_txt=MINE)))

    assert alone == _reset(Letters())
    assert (with_mine.subject, with_mine.html) == ("Hi from id.example.org", None)


@pytest.mark.parametrize(
    "layout",
    ["{{ nick }}{% block content %}{% endblock %}", "{% block content %}", "<h1>{{ subject }}</h1>", "{{ 1 / 0 }}"],
    ids=["unknown", "syntax", "no-content", "failing"],
)
def test_a_broken_layout_is_left_out_and_what_is_whole_is_kept(tmp_path: Path, layout: str, log: Log) -> None:
    mine = '{% extends "layout.html" %}{% block content %}<p>Mine: {{ link }}</p>{{ super() }}{% endblock %}'
    folder = _drop(tmp_path / "mail", layout_html=layout, reset_password_html=mine)
    written = _reset(Letters(folder))
    other = Letters(folder).write(MailPurpose.NEW_DEVICE, example(MailPurpose.NEW_DEVICE, HOUSE))

    assert "<p>Mine: https" in (written.html or "")
    assert "border-bottom: 3px solid" in (written.html or "")
    assert other == Letters().write(MailPurpose.NEW_DEVICE, example(MailPurpose.NEW_DEVICE, HOUSE))
    assert {entry["file"] for entry in log} == {"layout.html"}


@pytest.mark.parametrize("link", ["layout.html", "./layout.html", "../layout.html", "copy.html"])
def test_what_is_broken_ends_in_ours_however_it_is_called(tmp_path: Path, link: str) -> None:
    mine = f'{{% extends "{link}" %}}{{% block content %}}{{{{ nick }}}}{{% endblock %}}'
    folder = _drop(
        tmp_path / "mail", layout_html="{{ nick }}{% block content %}{% endblock %}", reset_password_html=mine
    )
    (folder / "copy.html").symlink_to("layout.html")

    assert _reset(Letters(folder)) == _reset(Letters())


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("account_rejected_txt", "Hello", ".txt: The first line does not say what the mail is about"),
        ("account_rejected_html", "{% if name %}", ".html, line 1: Unexpected end of template"),
        ("layout_html", "<p>Institute</p>", 'layout.html: It has no block "content".'),
        ("account_rejected_txt", 'Subject: No\n\n{% include "end.txt" %}', '.txt, line 3: There is no "end.txt".'),
    ],
    ids=["no-subject", "syntax", "layout", "include"],
)
def test_who_looks_at_a_broken_template_is_told_what_is_wrong_and_where(
    tmp_path: Path, name: str, text: str, reason: str
) -> None:
    letters = Letters(_drop(tmp_path / "mail", **{name: text}))
    with pytest.raises(TemplateBroken) as refused:
        letters.examine(MailPurpose.ACCOUNT_REJECTED, example(MailPurpose.ACCOUNT_REJECTED, HOUSE))

    assert reason in refused.value.detail


def test_links_are_followed_within_the_folder_and_not_out_of_it(tmp_path: Path, log: Log) -> None:
    folder = _drop(tmp_path / "mail")
    (folder / "..data").mkdir()
    (folder / "..data" / "mine").write_text(MINE)
    (tmp_path / "secret.txt").write_text(MINE)
    (folder / "reset_password.txt").symlink_to("..data/mine")
    within = _reset(Letters(folder))
    (folder / "reset_password.txt").unlink()
    (folder / "reset_password.txt").symlink_to(tmp_path / "secret.txt")
    out = _reset(Letters(folder))

    assert within.subject == "Hi from id.example.org"
    assert out == _reset(Letters())
    assert "leads out of the folder" in str(log)


def test_a_file_that_is_none_costs_no_mail(tmp_path: Path) -> None:
    folder = _drop(tmp_path / "mail")
    (folder / "reset_password.html").mkdir()
    (folder / "new_device.txt").write_bytes(b"Subject: \xff\n\n{{ host }}")
    (folder / "verify_email.txt").write_text(f"{MINE}{'x' * 300_000}")
    (folder / "password_changed.txt").symlink_to("nowhere")
    (tmp_path / "file").write_text("no folder")

    for purpose in PURPOSES:
        letter = example(purpose, HOUSE)
        assert Letters(folder).write(purpose, letter) == Letters().write(purpose, letter)
        assert Letters(tmp_path / "file").write(purpose, letter) == Letters().write(purpose, letter)


def test_a_file_may_come_from_another_system(tmp_path: Path) -> None:
    folder = _drop(tmp_path / "mail")
    (folder / "reset_password.txt").write_bytes(b"\xef\xbb\xbfSubject: Hi\r\n\r\nHello,\r\n{{ link }}\r\n")
    written = _reset(Letters(folder))

    assert written.subject == "Hi"
    assert written.text.startswith("Hello,\nhttps://id.example.org/")


def test_one_s_own_subject_stays_one_line_too(tmp_path: Path) -> None:
    folder = _drop(tmp_path / "mail", account_rejected_txt="Subject: {{ name }}{{ name }}\n\nNo.")
    letter = replace(example(MailPurpose.ACCOUNT_REJECTED, HOUSE), name=f"Ana\r\nBcc: x@example.org{'y' * 100}")
    subject = Letters(folder).write(MailPurpose.ACCOUNT_REJECTED, letter).subject

    assert subject.startswith("Ana Bcc: x@example.orgy")
    assert len(subject) == LONGEST_SUBJECT


def test_the_example_of_the_document_works(tmp_path: Path) -> None:
    section = (Path(__file__).parents[2] / "docs" / "extending.md").read_text().split("## Your own words in mails")[1]
    letters = Letters(_drop(tmp_path / "mail", reset_password_txt=section.split("```\n")[1]))
    written = [letters.examine(MailPurpose.RESET_PASSWORD, one) for one in examples(MailPurpose.RESET_PASSWORD, HOUSE)]

    assert {one.subject for one in written} == {"A new password for the library"}
    assert {one.text.splitlines()[0] for one in written} == {"Hello Ana,", "Hello,"}
