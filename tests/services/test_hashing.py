"""Passwords into hashes: never on the event loop, bounded, and kinder to old hashes than to attackers."""

import asyncio
from collections.abc import Iterator

import bcrypt
import httpx
import pytest
from passlib.context import CryptContext

from backend.errors import HashingBusy
from backend.hashing import PasswordHasher
from backend.services import unit_of_work
from backend.services.rights import Act
from tests.application import CHEAP_ARGON2, PATIENCE, Application
from tests.factories import PASSWORD, People, Person
from tests.hashers import THREADS, WatchedHasher

COSTLY = (19456, 2, 1)


@pytest.fixture
def costly() -> Iterator[PasswordHasher]:
    """A hasher at production's cost."""
    made = PasswordHasher(COSTLY, patience=PATIENCE)
    yield made
    made.close()


def _bcrypt(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


async def _given_hash(running: Application, person: Person, hashed_password: str) -> None:
    async with unit_of_work(running.context) as services:
        user = await services.lifecycle.account(person.id, by=None, act=Act.CLOSE)
        await services.users.update(user, {"hashed_password": hashed_password})


async def _sign_in(client: httpx.AsyncClient, person: Person, password: str) -> httpx.Response:
    body = {"username_or_email": person.username, "password": password}
    return await client.post("/api/auth/login", json=body)


async def test_who_finds_the_queue_full_is_told_at_once() -> None:
    hasher = WatchedHasher(CHEAP_ARGON2, queue=4)
    with hasher.held_up():  # with hashing on the loop nobody would get any further
        checks = [asyncio.create_task(hasher.verified("x", None)) for _ in range(THREADS + 4 + 3)]
        await hasher.busy(waiting=4)
        told = [check.done() for check in checks]
    results = await asyncio.gather(*checks, return_exceptions=True)
    hasher.close()

    assert told == [isinstance(result, HashingBusy) for result in results] == [False] * (THREADS + 4) + [True] * 3
    assert hasher.waiting == 0


async def test_who_waits_too_long_is_told_and_leaves_no_gap() -> None:
    hasher = WatchedHasher(CHEAP_ARGON2, patience=0.01)
    with hasher.held_up():
        checks = [asyncio.create_task(hasher.verified("x", None)) for _ in range(THREADS)]
        await hasher.busy()
        with pytest.raises(HashingBusy):
            await hasher.verified("x", None)
    await asyncio.gather(*checks)

    assert await hasher.verified("x", None) == (False, None)
    assert hasher.waiting == 0
    hasher.close()


async def test_a_caller_who_goes_away_frees_the_place_when_the_thread_is_done(costly: PasswordHasher) -> None:
    for _ in range(3):
        impatient = [asyncio.create_task(costly.hashed("x")) for _ in range(4)]
        await asyncio.sleep(0)
        for task in impatient:
            task.cancel()
        await asyncio.gather(*impatient, return_exceptions=True)

    assert (await costly.hashed("x")).startswith("$argon2id$")


@pytest.mark.settings(hash_queue=1, rate_limits=False)
async def test_a_crowd_at_the_desk_is_asked_to_come_back(
    running: Application, people: People, hasher: WatchedHasher
) -> None:
    person = await people.active()
    with hasher.held_up():
        asking = [asyncio.create_task(_sign_in(running.client, person, "wrong password")) for _ in range(8)]
        async with asyncio.timeout(PATIENCE):
            while sum(ask.done() for ask in asking) < 8 - THREADS - 1:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
    answers = await asyncio.gather(*asking)
    busy = [answer for answer in answers if answer.status_code == 503]

    assert sorted(answer.status_code for answer in answers) == [401] * (THREADS + 1) + [503] * len(busy)
    assert {answer.json()["error_code"] for answer in busy} == {"SERVER_BUSY"}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in busy)


async def test_an_old_bcrypt_hash_opens_once_and_becomes_argon2id(running: Application, people: People) -> None:
    person = await people.active()
    await _given_hash(running, person, _bcrypt(PASSWORD))
    wrong = await _sign_in(running.client, person, "not the password")
    right = await _sign_in(running.client, person, PASSWORD)
    upgraded = (await people.row(person)).hashed_password

    assert (wrong.status_code, right.status_code) == (401, 200)
    assert upgraded.startswith("$argon2id$")
    assert (await _sign_in(running.client, person, PASSWORD)).status_code == 200
    assert (await people.row(person)).hashed_password == upgraded


async def test_a_cheaper_argon2_hash_is_brought_up_to_date(running: Application, people: People) -> None:
    person, old = await people.active(), PasswordHasher((16, 2, 2))
    await _given_hash(running, person, old.hash(PASSWORD))
    old.close()

    assert (await _sign_in(running.client, person, PASSWORD)).status_code == 200
    assert "m=8,t=1,p=1" in (await people.row(person)).hashed_password


async def test_a_refused_sign_in_leaves_an_old_hash_as_good_as_it_was(running: Application, people: People) -> None:
    person, old = await people.pending(), _bcrypt(PASSWORD)
    await _given_hash(running, person, old)
    refused = [await _sign_in(running.client, person, PASSWORD) for _ in range(2)]
    kept = (await people.row(person)).hashed_password
    async with unit_of_work(running.context) as services:
        await services.decisions.approve(person.id, by=None)
    let_in = await _sign_in(running.client, person, PASSWORD)

    assert [answer.json()["error_code"] for answer in refused] == ["ACCOUNT_PENDING"] * 2
    assert (kept, let_in.status_code) == (old, 200)
    assert (await people.row(person)).hashed_password.startswith("$argon2id$")


async def test_an_upgrade_ends_no_session_and_is_no_change_of_the_password(
    running: Application, people: People
) -> None:
    person = await people.active()
    await _given_hash(running, person, _bcrypt(PASSWORD))
    before, token = await people.row(person), person.token
    await people.signed_in(person)
    after = await people.row(person)
    first = await running.client.get("/api/auth/whoami", headers={"Authorization": f"Bearer {token}"})

    assert (first.status_code, after.updated_at) == (200, before.updated_at)
    assert not await people.audit("password_changed", about=person)


async def test_of_many_sign_ins_at_once_one_upgrades_and_all_come_in(running: Application, people: People) -> None:
    person = await people.active()
    await _given_hash(running, person, _bcrypt(PASSWORD))
    answers = await asyncio.gather(*(_sign_in(running.client, person, PASSWORD) for _ in range(4)))

    assert [answer.status_code for answer in answers] == [200] * 4


@pytest.mark.settings(rate_limits=False)
async def test_a_password_that_is_replaced_while_it_is_checked_opens_nothing(
    running: Application, people: People, hasher: WatchedHasher
) -> None:
    person = await people.active()
    await _given_hash(running, person, _bcrypt(PASSWORD))
    with hasher.held_up():
        signing_in = asyncio.create_task(_sign_in(running.client, person, PASSWORD))
        await hasher.busy(in_hand=1)
        await _given_hash(running, person, _bcrypt("another password"))

    assert (await signing_in).status_code == 401


@pytest.mark.parametrize("scheme", ["pbkdf2_sha256", "pbkdf2_sha512", "django_pbkdf2_sha256"])
async def test_hashes_of_other_systems_become_argon2id_too(running: Application, people: People, scheme: str) -> None:
    person = await people.active()
    await _given_hash(running, person, CryptContext([scheme]).hash(PASSWORD))
    wrong, right = [await _sign_in(running.client, person, word) for word in ("not the password", PASSWORD)]

    assert (wrong.status_code, right.status_code) == (401, 200)
    assert (await people.row(person)).hashed_password.startswith("$argon2id$")


async def test_bcrypt_never_takes_the_first_72_bytes_for_the_whole(running: Application, people: People) -> None:
    person, long = await people.active(), "ä" * 36
    await _given_hash(running, person, _bcrypt(long))
    answers = [await _sign_in(running.client, person, long + more) for more in ("x", "another end")]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert (await _sign_in(running.client, person, long)).status_code == 200


@pytest.mark.parametrize("garbage", ["", "!", "x" * 60, "$2b$04$short", "$argon2id$v=19$m=8,t=1,p=1$", "$argon2id$\n"])
async def test_a_hash_nobody_can_read_is_a_wrong_password(running: Application, people: People, garbage: str) -> None:
    person = await people.active()
    await _given_hash(running, person, garbage)
    answer = await _sign_in(running.client, person, PASSWORD)

    assert (answer.status_code, answer.json()["error_code"]) == (401, "AUTH_INVALID_CREDENTIALS")


@pytest.mark.parametrize("password", ["\0" * 8, "p" * 4096, "🐎" * 256, "\ud800" * 8], ids=ascii)
def test_no_password_makes_the_hasher_stumble(costly: PasswordHasher, password: str) -> None:
    assert costly.verify_and_update(password, costly.hash(PASSWORD)) == (False, None)
    assert costly.verify_and_update(password, _bcrypt(PASSWORD)) == (False, None)


class _Recording(PasswordHasher):
    """A hasher that keeps the kind and cost of the hashes it has looked at."""

    def __init__(self, cost: tuple[int, int, int]) -> None:
        super().__init__(cost)
        self.looked_at: list[list[str]] = []

    def verify_and_update(self, plain_password: str, hashed_password: str) -> tuple[bool, str | None]:
        self.looked_at.append(hashed_password.split("$")[:4])
        return super().verify_and_update(plain_password, hashed_password)


async def test_nobody_costs_as_much_as_somebody() -> None:
    """The same work; that it takes the same time is measured by `make security-timing`."""
    hasher = _Recording(COSTLY)
    for hashed_password in (hasher.hash(PASSWORD), None):
        assert await hasher.verified("wrong", hashed_password) == (False, None)
    hasher.close()

    assert hasher.looked_at == [["", "argon2id", "v=19", "m=19456,t=2,p=1"]] * 2
