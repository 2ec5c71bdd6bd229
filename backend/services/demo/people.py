"""Invented people: names in many scripts, places, addresses and reasons, the same for the same seed."""

import random
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from backend.identifiers import username_as_typed, username_key

_HERE: Final = Path(__file__).parent
_DOMAINS: Final = ("example.org", "example.org", "example.net", "example.com")
_FREELANCE: Final = 0.12
_NOTED: Final = 0.75
_IN_THEIR_LANGUAGE: Final = 0.3
_AWAKE: Final = range(7, 23)
_FOLDED: Final = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "þ": "th", "\u0131": "i", "æ": "ae", "ß": "ss", "ð": "d"})
_DRAWN: Final = 4
"""Languages that are looked at for somebody who comes at a moment: it goes to the one whose people are awake."""


@dataclass(frozen=True)
class Invented:
    """An invented person. `ahead` is how far their clock is ahead of UTC."""

    username: str
    email: str
    full_name: str
    language: str
    ahead: timedelta
    institution: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class _Language:
    name: str
    share: int
    ahead: timedelta
    style: str
    given: Sequence[tuple[str, str]]
    family: Sequence[tuple[str, str]]
    places: Sequence[tuple[str, str]]


def words() -> Mapping[str, Any]:
    """Return what people say, by what it is said about."""
    return tomllib.loads((_HERE / "words.toml").read_text(encoding="utf-8"))


class Town:
    """Makes people up, none of them twice; once there are as many people as languages, each language has somebody."""

    def __init__(self, chance: random.Random, number: int) -> None:
        """Prepare for about so many people."""
        data = tomllib.loads((_HERE / "names.toml").read_text(encoding="utf-8"))
        self.languages = {name: _language(name, one) for name, one in data.items()}
        self._chance = chance
        self._words = words()
        self._notes: dict[str, list[str]] = {"notes": [], "freelance_notes": []}
        self._taken: set[str] = set()
        self._met: set[str] = set()
        shares = sum(language.share for language in self.languages.values())
        deck = [
            name
            for name, language in self.languages.items()
            for _ in range(max(1, -(-number * language.share // shares)))
        ]
        chance.shuffle(deck)
        firsts = list(self.languages)
        chance.shuffle(firsts)
        for name in firsts:
            deck.remove(name)
        self._deck = deck[::-1] + firsts[::-1]
        """Drawn from its end: first one of each language, then by their shares."""

    def somebody(self, at: datetime, noted: float = _NOTED) -> Invented:
        """Make somebody up who comes at a moment, where people are awake; `noted` is how likely they say why."""
        spoken = self.languages[self._draw(at)]
        while True:
            given, family = self._chance.choice(spoken.given), self._chance.choice(spoken.family)
            full_name = spoken.style.format(g=given[0], f=family[0])
            if full_name not in self._met:
                break
        self._met.add(full_name)
        free = self._chance.random() < _FREELANCE
        place, label = (None, None) if free else self._chance.choice(spoken.places)
        username = self._username(given, family)
        host = f"{label}.example.org" if label else self._chance.choice(_DOMAINS)
        local = username if username.isascii() else f"{given[1]}.{family[1]}".replace(" ", "-")
        return Invented(
            username,
            f"{local.lower().strip('._-')}@{host}",
            full_name,
            spoken.name,
            spoken.ahead,
            institution=place,
            note=self._note(place, spoken.name) if self._chance.random() < noted else None,
        )

    def _draw(self, at: datetime) -> str:
        hands = range(max(0, len(self._deck) - _DRAWN), len(self._deck))
        awake = [place for place in hands if (at + self.languages[self._deck[place]].ahead).hour in _AWAKE]
        return self._deck.pop(max(awake or hands)) if self._deck else self._chance.choice(list(self.languages))

    def _note(self, place: str | None, language: str) -> str:
        native: str | None = self._words["native_notes"].get(language)
        if native and self._chance.random() < _IN_THEIR_LANGUAGE:
            return native
        kind = "notes" if place else "freelance_notes"
        if not self._notes[kind]:
            self._notes[kind] = self._chance.sample(self._words[kind], len(self._words[kind]))
        return self._notes[kind].pop().format(place=place)

    def _username(self, given: tuple[str, str], family: tuple[str, str]) -> str:
        first, last = given[1].replace(" ", ""), family[1].replace(" ", "-")
        short = last.partition("-")[0]
        ways = [
            f"{first}.{short}",
            f"{first[0]}{short}",
            f"{first}{short[0]}",
            f"{short}-{first}",
            first,
            f"{first}_{self._chance.randrange(70, 99)}",
        ]
        if (native := given[0].lower()).isalpha() and not native.isascii():
            ways.append(native)  # a script with signs of its own has no usernames
        self._chance.shuffle(ways)
        ways += [f"{first}.{short}{number}" for number in range(2, 99)]
        name = next(way for way in ways if len(way) > 2 and username_key(way) not in self._taken)  # noqa: PLR2004
        self._taken.add(username_key(name))
        return username_as_typed(name)


def _language(name: str, data: Mapping[str, Any]) -> _Language:
    return _Language(
        name,
        data["share"],
        timedelta(hours=data["ahead"]),
        data["style"],
        [_spelt(one) for one in data["given"]],
        [_spelt(one) for one in data["family"]],
        [(place, label) for place, _, label in (one.rpartition(" ") for one in data["places"])],
    )


def _spelt(name: str) -> tuple[str, str]:
    """Part a name from its Latin spelling, or spell it by leaving accents out."""
    native, _, latin = name.rpartition(" ")
    if native and not native.isascii() and latin.isascii() and latin.islower():
        return native, latin
    bare = unicodedata.normalize("NFKD", name.lower().translate(_FOLDED)).encode("ascii", "ignore").decode()
    return name, bare
