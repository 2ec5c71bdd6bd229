"""The rule for new passwords (ASVS 6.2, NIST SP 800-63B-4 §3.1.1.2). It is never asked where a password is checked.

The list of common passwords is the one that comes with zxcvbn (MIT licence): about 30,000 entries from published leaks.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

from zxcvbn.frequency_lists import FREQUENCY_LISTS

from backend.errors import PasswordRefused
from backend.identifiers import caseless, username_key

LONGEST: Final = 256
_SHORTEST_TELLING_USERNAME: Final = 4


@dataclass(frozen=True)
class PasswordRule:
    """At least `shortest` code points, at most 256, of any kind; not common, and not made of one's own names."""

    shortest: int

    def check(self, password: str, *, username: str, email: str) -> None:
        """Look at a new password.

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
        if folded in {name, caseless(email.rpartition("@")[0])}:
            raise PasswordRefused("The password must not be your username or email address.")
        if len(name) >= _SHORTEST_TELLING_USERNAME and name in folded:
            raise PasswordRefused("The password must not contain your username.")


@cache
def _common() -> frozenset[str]:
    return frozenset(FREQUENCY_LISTS["passwords"])
