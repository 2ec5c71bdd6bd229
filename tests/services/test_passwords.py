"""The rule for new passwords, by example and by property."""

# ruff: noqa: RUF001  # letters that look like others are what this is about

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import PasswordRefused
from backend.services.passwords import LONGEST, PasswordRule

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
        assert "common" in told


@given(st.text(min_size=4, max_size=20), anything, anything)
def test_no_password_holds_the_username_in_any_case(name: str, before: str, after: str) -> None:
    for spelling in (name, name.casefold()):
        assert _refused(f"{before}{spelling}{after}".ljust(8, "…"), username=name) is not None


@given(anything)
def test_the_reason_never_repeats_the_password(password: str) -> None:
    told = _refused(f"Sesam{password}", username="sesam")

    assert told is None or "Sesam" not in told
