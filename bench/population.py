"""A population: as many accounts as wanted, with names in many scripts, written into an empty database in minutes.

Everybody is made up from bench/names.toml, the same people for the same seed. They come over two years, most are active
and sign in now and then, some wait, some were turned away or closed. What is written is what the service itself would
have written about them, past its own doors, which take a hundred times as long; a test compares the two.
"""

import random
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from backend.identifiers import username_as_typed
from backend.models import GONE, IdentifierKind, Role, Status, TallyKind, User
from backend.stores.listing_texts import texts

ADMIN: Final = "keeper"
"""The username of the first account, the superuser who has let in all others."""
RARE: Final = "Vyxworth"
"""A family name that exactly `RARELY` accounts have, however many there are."""
RARELY: Final = 5
COMMON: Final = "sand"
"""A part of the names of about one account in a hundred."""

_NAMES: Final = Path(__file__).with_name("names.toml")
SPAN: Final = timedelta(days=730)
"""Since when people come."""
_LONGEST_USERNAME: Final = 32
_FOLDED: Final = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "þ": "th", "\u0131": "i", "æ": "ae", "ß": "ss", "ð": "d"})
_STATUSES: Final[Mapping[Status, float]] = {
    Status.ACTIVE: 85,
    Status.PENDING: 7,
    Status.REJECTED: 2,
    Status.SUSPENDED: 1,
    Status.EXPIRED: 1,
    Status.DEACTIVATED: 2,
    Status.DELETED: 2,
}
_UNDECIDED: Final = (Status.PENDING, Status.REJECTED)
_APPROVERS: Final = 0.01
_SIGNED_IN: Final = 0.85
"""How many of the people who were let in have ever signed in."""
_NOTED: Final = 0.3
_AFFILIATED: Final = 0.7


@dataclass(frozen=True)
class Account:
    """Somebody: the columns of `users`, and the rows that belong to them."""

    columns: Mapping[str, Any]

    @property
    def listing(self) -> Mapping[str, Any]:
        """What lists look for."""
        names, same = ("username", "email", "full_name", "institution"), ("role", "status", "created_at")
        found = texts(*(self.columns[name] for name in names))
        return {"user_id": self.columns["id"], **found, **{name: self.columns[name] for name in same}}

    def identifiers(self, listing: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Return the names that nobody else can take; none of them is longer than its key in a listing."""
        for kind in IdentifierKind:
            yield {"kind": kind, "key": listing[f"{kind}_key"], "user_id": self.columns["id"]}

    def tallies(self) -> Iterator[tuple[TallyKind, str]]:
        """Return what is counted about them."""
        status, seen = self.columns["status"], self.columns["last_login"]
        yield TallyKind.PEOPLE, f"{self.columns['role']}/{status}"
        yield TallyKind.REGISTERED, f"{self.columns['created_at']:%Y-%m-%d}"
        if seen and status not in GONE:
            yield TallyKind.SEEN, f"{seen:%Y-%m-%dT%H}"


@dataclass(frozen=True)
class _Script:
    """Names of one script, each with its Latin spelling."""

    share: float
    style: str
    given: Sequence[tuple[str, str]]
    family: Sequence[tuple[str, str]]


def people(number: int, *, now: datetime, hashed_password: str, seed: int = 1) -> Iterator[Account]:
    """Make people up, in the order in which they came; the first is the superuser `ADMIN`."""
    chance = random.Random(seed)  # noqa: S311  # they are to be the same every time
    data = tomllib.loads(_NAMES.read_text(encoding="utf-8"))
    scripts = [_script(data[name]) for name in data if isinstance(data[name], dict)]
    shares = list(accumulate(script.share for script in scripts))
    statuses, weights = list(_STATUSES), list(accumulate(_STATUSES.values()))
    rare = {number * place // (RARELY + 1) for place in range(1, RARELY + 1)}
    keeper: UUID | None = None
    for turn in range(number):
        (script,) = chance.choices(scripts, cum_weights=shares)
        given, family = chance.choice(script.given), chance.choice(script.family)
        if turn in rare:
            family = (RARE, RARE.lower())
        username, email = _login_names(chance, turn, given, family, chance.choice(data["domains"]))
        came = now - SPAN * ((number - turn - chance.random()) / number)
        columns: dict[str, Any] = {
            "id": _id(came, chance),
            "username": username if turn else ADMIN,
            "email": email,
            "full_name": script.style.format(g=given[0], f=family[0]),
            "institution": chance.choice(data["institutions"]) if chance.random() < _AFFILIATED else None,
            "hashed_password": hashed_password,
            "status": chance.choices(statuses, cum_weights=weights)[0] if turn else Status.ACTIVE,
            "role": Role.USER if turn else Role.ADMIN,
            "created_at": came,
        }
        yield Account({**_NOBODY, **columns, **_life(chance, columns, now, keeper)})
        keeper = keeper or columns["id"]


def _script(data: Mapping[str, Any]) -> _Script:
    given = [_spelt(name) for name in data["given"]]
    family = [_spelt(stem + ending) for stem in data["family"] for ending in data.get("endings", [""])]
    return _Script(data["share"], data["style"], given, family)


def _spelt(name: str) -> tuple[str, str]:
    native, _, latin = name.partition(" ")
    bare = unicodedata.normalize("NFKD", native.lower().translate(_FOLDED)).encode("ascii", "ignore").decode()
    return native, latin or bare


def _login_names(
    chance: random.Random, turn: int, given: tuple[str, str], family: tuple[str, str], domain: str
) -> tuple[str, str]:
    """Return a username and an address; both end with a number of their own."""
    end = str(turn)
    match chance.randrange(10):
        case 0 | 1 | 2 | 3:
            name = f"{given[1]}.{family[1]}"
        case 4 | 5 | 6:
            name = f"{given[1][0]}{family[1]}".title()
        case 7 | 8:
            name = f"{family[1]}_{given[1]}"
        case _:
            name = given[0] if given[0].isalpha() else given[1]  # a script with signs has no usernames of its own
    username = username_as_typed(name[: _LONGEST_USERNAME - len(end)] + end)
    return username, f"{given[1]}.{family[1]}{end}@{domain}"


def _id(came: datetime, chance: random.Random) -> UUID:
    """Return the id that the service would have given at that moment (RFC 9562, version 7)."""
    moment = int(came.timestamp() * 1000)
    drawn = chance.getrandbits(74)
    return UUID(int=moment << 80 | 7 << 76 | drawn >> 62 << 64 | 2 << 62 | drawn & (1 << 62) - 1)


_NOBODY: Final[Mapping[str, Any]] = {
    column.name: None
    for column in User.__table__.columns  # type: ignore[attr-defined]  # SQLModel adds it to classes with `table=True`
} | {"must_change_password": False, "token_epoch": 0, "login_count": 0}


def _life(chance: random.Random, columns: Mapping[str, Any], now: datetime, keeper: UUID | None) -> Mapping[str, Any]:
    """Return what happened to somebody between their coming and now."""
    came, status = columns["created_at"], columns["status"]

    def later() -> datetime:
        moment: datetime = came + (now - came) * chance.random()
        return moment

    life: dict[str, Any] = {"is_verified": chance.random() < _SIGNED_IN, "updated_at": came, "seen_at": came}
    if chance.random() < _NOTED:
        life["approval_note"] = f"I would like to work with {columns['institution'] or 'you'}."
    if status not in _UNDECIDED:
        life |= {"approved_at": came + timedelta(minutes=5), "approved_by": keeper}
        if chance.random() < _SIGNED_IN:
            seen = later()
            life |= {"last_login": seen, "seen_at": seen, "login_count": chance.randrange(1, 200)}
    if status is Status.ACTIVE and keeper and chance.random() < _APPROVERS:
        life["role"] = Role.APPROVER
    if status is Status.REJECTED:
        life["decision_reason"] = "Nobody here knows you."
    if status is Status.EXPIRED:
        life["access_expires_at"] = life["updated_at"] = later()
    if status is Status.DELETED:
        gone = later()
        life |= {"status_before_deletion": Status.ACTIVE, "deleted_at": gone, "updated_at": gone}
    return life
