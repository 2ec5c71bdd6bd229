"""The rule for new passwords (ASVS 6.2, NIST SP 800-63B-4 §3.1.1.2). It is never applied at sign-in.

The list of common passwords is the one that comes with the Python package zxcvbn (MIT licence): the 30,000 most counted
in published leaks, collected by the makers of zxcvbn from the lists known as Xato (2015) and RockYou.
"""

import re
import unicodedata
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final, Self
from urllib.parse import urlsplit

from zxcvbn.frequency_lists import FREQUENCY_LISTS

from backend.errors import PasswordRefused
from backend.identifiers import caseless, username_key
from backend.settings import Settings

LONGEST: Final = 256
_SHORTEST_TELLING_USERNAME: Final = 4
_PRODUCT: Final = "vestibule"
_WORD: Final = re.compile(r"[^\W\d_]{4,}")
"""A word worth comparing: four letters or more."""
_SIGNS: Final = frozenset("NPZ")
"""Unicode's numbers, punctuation and spaces; of other symbols, such as emoji, there are too many to guess."""


@dataclass(frozen=True)
class PasswordRule:
    """At least `shortest` code points, at most 256, of any kind; not common, and not made of words that others know."""

    shortest: int
    words: frozenset[str] = frozenset()
    """Words that everybody knows of the installation, in the form compared (ASVS 6.1.2)."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Read the rule in force; the installation's words are the product's name, its own, and those of its host."""
        host = urlsplit(settings.public_url).hostname or ""
        names = f"{caseless(settings.site_name)} {host.rpartition('.')[0]}"
        return cls(settings.password_min_length, frozenset({_PRODUCT, *_words(names)}))

    def check(self, password: str, *, username: str, email: str, institution: str | None = None) -> None:
        """Check a new password exactly as it was typed (ASVS 6.2.8); only comparisons ignore case and width.

        Raises:
            PasswordRefused: with the reason, as a sentence for the person.
        """
        if len(password) < self.shortest:
            raise PasswordRefused(f"The password needs at least {self.shortest} characters.")
        if len(password) > LONGEST:
            raise PasswordRefused(f"The password can have at most {LONGEST} characters.")
        folded = caseless(password)
        if folded in _common():
            raise PasswordRefused("This password is one of the most common ones. Please choose another.")
        name = username_key(username)
        if folded in {name, _local_part(email)}:
            raise PasswordRefused("The password must not be your username or email address.")
        if len(name) >= _SHORTEST_TELLING_USERNAME and name in folded:
            raise PasswordRefused("The password must not contain your username.")
        if _made_of(folded, self.known(username=username, email=email, institution=institution)):
            raise PasswordRefused("The password must be more than a known name with digits. Please add other words.")

    def known(self, *, username: str, email: str, institution: str | None = None) -> AbstractSet[str]:
        """Return the words that others know of the installation and of a person (ASVS 6.1.2, 6.2.11)."""
        name, local_part = username_key(username), _local_part(email)
        return {*self.words, name, local_part, *_words(f"{name} {local_part} {caseless(institution or '')}")} - {""}


def temporary_until(settings: Settings, now: datetime) -> datetime:
    """Return until when a temporary password made now opens its account (ASVS 6.4.1)."""
    return now + timedelta(hours=settings.temporary_password_hours)


def _made_of(folded: str, words: AbstractSet[str]) -> bool:
    """Tell whether a password holds some of these words, and nothing else but digits and signs."""
    longest_first = sorted(words, key=len, reverse=True)
    rest, found = re.subn("|".join(map(re.escape, longest_first)), "", folded)
    return found > 0 and all(_is_filler(character) for character in rest)


def _is_filler(character: str) -> bool:
    if character.isascii():
        return not character.isalpha()
    return unicodedata.category(character)[0] in _SIGNS


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text))


def _local_part(email: str) -> str:
    return caseless(email.rpartition("@")[0])


@cache
def _common() -> frozenset[str]:
    return frozenset(FREQUENCY_LISTS["passwords"])
