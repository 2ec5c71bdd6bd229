"""How hard a password is to guess, for somebody who chooses one: estimated by zxcvbn, in bounded time, kept nowhere."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from decimal import Decimal
from math import prod
from typing import Any, Final

from zxcvbn import matching, scoring, time_estimates

from backend.context import Context
from backend.errors import PasswordRefused
from backend.services.passwords import PasswordRule
from backend.services.throttle import Throttle

_LOOKED_AT: Final = 32
"""Characters from the beginning; the time grows with their square, and whoever has so many need not be told more."""
_MOST_SPELLINGS: Final = 4 * _LOOKED_AT**2
"""Ways to read digits and signs as letters ("p@55w0rd"), times the square of the length; their number can explode."""
_MATCHERS: Final[tuple[Callable[..., list[Any]], ...]] = (
    matching.dictionary_match,
    matching.reverse_dictionary_match,
    matching.spatial_match,
    matching.sequence_match,
    matching.regex_match,
    matching.date_match,
)
_MATCHERS_OF_SPELLINGS: Final[tuple[Callable[..., list[Any]], ...]] = (matching.l33t_match, matching.repeat_match)
"""These go through all of those spellings, of the whole or of what is repeated."""
_SENTENCES: Final = (
    "Very easy to guess.",
    "Easy to guess. Add one or two unrelated words.",
    "Not hard to guess. Add another word.",
    "Hard to guess.",
    "Very hard to guess.",
)


@dataclass(frozen=True)
class Strength:
    """From 0 (very easy to guess) to 4, the same in words, and what the rule says against the password, if anything."""

    score: int
    sentence: str
    refused: str | None


async def strength(
    context: Context, address: str | None, password: str, *, username: str, email: str, institution: str
) -> Strength:
    """Estimate a password, given what others know of its person, off the event loop.

    Raises:
        TooManyRequests: too many questions from this address.
        HashingBusy: too many passwords wait to be checked, which goes before.
    """
    await Throttle.of(context).strength(address)
    rule, names = PasswordRule.of(context.settings), {"username": username, "email": email, "institution": institution}
    try:
        rule.check(password, **names)
    except PasswordRefused as refusal:
        return Strength(0, _SENTENCES[0], refusal.detail)
    score = await context.hasher.in_pool(lambda: estimate(password, rule.known(**names)))
    return Strength(score, _SENTENCES[score], None)


def estimate(password: str, known: Collection[str]) -> int:
    """Return how hard a password is to guess for who knows some words, from 0 to 4. Blocks for some milliseconds."""
    beginning = password[:_LOOKED_AT]
    # Not zxcvbn's own function: it keeps the words of who asks where another thread would find them.
    dictionaries = {**matching.RANKED_DICTIONARIES, "user_inputs": matching.build_ranked_dict(sorted(known))}
    spellings = prod(map(len, matching.relevant_l33t_subtable(beginning, matching.L33T_TABLE).values()))
    bounded = spellings * len(beginning) ** 2 <= _MOST_SPELLINGS
    matches = [
        match
        for matcher in (*_MATCHERS, *(_MATCHERS_OF_SPELLINGS if bounded else ()))
        for match in matcher(beginning, _ranked_dictionaries=dictionaries)
    ]
    matches.sort(key=lambda match: (match["i"], match["j"]))
    guesses = scoring.most_guessable_match_sequence(beginning, matches)["guesses"]
    return int(time_estimates.guesses_to_score(Decimal(guesses)))
