"""The rule for new passwords, by example and by property."""

# ruff: noqa: RUF001  # letters that look like others are what this is about

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from backend.errors import PasswordRefused
from backend.services.passwords import LONGEST, PasswordRule
from backend.settings import Settings

RULE = PasswordRule(8)
anything = st.text()


def _refused(password: str, username: str = "ada", email: str = "ada.l@example.org") -> str | None:
    try:
        RULE.check(password, username=username, email=email)
    except PasswordRefused as refusal:
        return refusal.detail
    return None


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        pytest.param("1234567", "at least 8", id="seven-characters"),
        pytest.param("h7!kQz#p", None, id="eight-characters"),
        pytest.param("🐎🔋🦉🦜🐧🐦🐤", "at least 8", id="seven-emoji"),
        pytest.param("🐎🔋🦉🦜🐧🐦🐤🐣", None, id="eight-emoji"),
        pytest.param("青い空と白い雲", "at least 8", id="seven-characters-of-cjk"),
        pytest.param("青い空と白い雲が", None, id="eight-characters-of-cjk"),
        pytest.param("ä" * 7, "at least 8", id="seven-characters-fourteen-bytes"),
        pytest.param("x" * 257, "at most 256", id="257-characters"),
        pytest.param("password", "most common", id="common"),
        pytest.param("PassWord", "most common", id="common-in-another-case"),
        pytest.param("ｐａｓｓｗｏｒｄ", "most common", id="common-in-fullwidth"),
        pytest.param("lovelace", "must not be", id="the-username"),
        pytest.param("LOVELACE", "must not be", id="the-username-in-another-case"),
        pytest.param("ada.king@home", None, id="the-whole-address-is-no-local-part"),
        pytest.param("countess", "must not be", id="the-local-part"),
        pytest.param("my-lovelace-1815", "must not contain", id="contains-the-username"),
        pytest.param("a" * 256, None, id="256-characters"),
        pytest.param("🐎🔋🖇️ \u200b\t\0", None, id="any-character"),
        pytest.param("        ", None, id="only-blanks"),
    ],
)
def test_a_password_is_taken_or_refused_with_the_reason(password: str, reason: str | None) -> None:
    told = _refused(password, "lovelace", "countess@example.org")

    assert (told is None) if reason is None else (told is not None and reason in told)


def test_a_username_of_three_letters_may_be_part_of_a_password() -> None:
    assert _refused("canada is large") is None
    assert _refused("lovely grace", username="lovely") is not None


@given(anything)
def test_length_is_counted_in_characters_and_nothing_else_is_asked_of_them(password: str) -> None:
    told = _refused(password, username="zz", email="zz@example.org")

    if not 8 <= len(password) <= LONGEST:
        assert told is not None
    elif told is not None:
        assert "common" in told or "known name" in told


def test_every_common_password_is_refused_in_any_case_and_width() -> None:
    common = [word for word in FREQUENCY_LISTS["passwords"] if len(word) >= 8]
    wide = {
        ord(character): ord(character) + 0xFEE0 for word in common for character in word if " " < character < "\x7f"
    }
    taken = [word for word in common for typed in (word, word.upper(), word.translate(wide)) if not _refused(typed)]

    assert len(common) > 10_000
    assert taken == []


def _told(public_url: str, password: str) -> str | None:
    rule = PasswordRule.of(Settings(_env_file=None, public_url=public_url))
    try:
        rule.check(password, username="ana.marin", email="am@example.org", institution="Institute of Tides")
    except PasswordRefused as refusal:
        return refusal.detail
    return None


@pytest.mark.parametrize(
    "password",
    [
        pytest.param("Vestibule2026!", id="product-and-year"),
        pytest.param("1234-vestibule", id="product-after-digits"),
        pytest.param("ｖｅｓｔｉｂｕｌｅ１", id="product-in-fullwidth"),
        pytest.param("Nimbus__2026", id="host-name"),
        pytest.param("nimbusVESTIBULE1", id="two-of-them"),
        pytest.param("Marin-1234567", id="a-part-of-the-username"),
        pytest.param("am 1234567 am", id="local-part"),
        pytest.param("Tides1234!", id="institution"),
    ],
)
def test_a_known_name_with_digits_and_signs_is_no_password(password: str) -> None:
    assert "known name" in str(_told("https://accounts.nimbus.example", password))


@pytest.mark.parametrize(
    "password",
    [
        pytest.param("vestibule and rain", id="with-another-word"),
        pytest.param("vestibules1234", id="with-a-letter"),
        pytest.param("vestibule🐎🔋", id="with-emoji"),
        pytest.param("example1234!", id="top-level-domain"),
        pytest.param("of-1234567", id="short-word-of-the-institution"),
        pytest.param("12-34-56-78-90!", id="digits-and-signs-without-a-name"),
    ],
)
def test_other_passwords_may_hold_a_known_name(password: str) -> None:
    assert _told("https://accounts.nimbus.example", password) is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost", "http://[::1]:80"])
def test_this_machine_has_no_telling_name(url: str) -> None:
    assert _told(url, "localhost-1234") is None
    assert _told(url, "vestibule-1234") is not None


def test_only_comparisons_overlook_how_something_is_written() -> None:
    decomposed = unicodedata.normalize("NFD", "é" * 4)

    assert len(decomposed) == 8
    assert _refused(decomposed) is None
    assert _refused("é" * 4) is not None


@given(st.text(min_size=4, max_size=20), anything, anything)
def test_no_password_holds_the_username_in_any_case(name: str, before: str, after: str) -> None:
    for spelling in (name, name.casefold()):
        assert _refused(f"{before}{spelling}{after}".ljust(8, "…"), username=name) is not None


@given(anything)
def test_the_reason_never_repeats_the_password(password: str) -> None:
    told = _refused(f"Sesam{password}", username="sesam")

    assert told is None or "Sesam" not in told
