"""The same refresh token, the same person, the same moment, at two real server processes on one database."""

import asyncio
from collections import Counter
from functools import partial

import httpx
from sqlmodel import col, select

from backend.models import UserSession
from backend.stores.database import Database
from tests.application import PATIENCE
from tests.factories import PASSWORD
from tests.faults.house import House, at_once

WHO, REFRESH, LOGIN = "/api/auth/whoami", "/api/v1/auth/refresh", "/api/v1/auth/login"


async def _first(house: House) -> dict[str, str]:
    """Make the first account and return the tokens of its first sign-in."""
    body = {"username": "first", "email": "first@example.org", "password": PASSWORD}
    assert (await house.post("/api/auth/register", body)).status_code == 201
    return await _signed_in(house)


async def _signed_in(house: House) -> dict[str, str]:
    answer = await house.post(LOGIN, {"username": "first", "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    token: dict[str, str] = answer.json()["data"]["token"]
    return token


async def _live(database: Database) -> int:
    async with database.reading() as session:
        return len((await session.exec(select(UserSession).where(col(UserSession.ended_at).is_(None)))).all())


async def _verdicts(house: House, tokens: list[dict[str, str]]) -> Counter[int]:
    """Ask about access tokens at both doors."""
    return Counter(
        [
            (await door.get(WHO, headers={"Authorization": f"Bearer {token['access_token']}"})).status_code
            for token in tokens
            for door in house.doors
        ]
    )


async def _refused(house: House, tokens: list[dict[str, str]]) -> None:
    """Wait until the news that these tokens are void is at both doors."""
    async with asyncio.timeout(PATIENCE):
        while await _verdicts(house, tokens) != {401: len(tokens) * len(house.doors)}:  # noqa: ASYNC110  # others tell
            await asyncio.sleep(0.02)


async def test_exact_retries_at_two_doors_share_one_successor(house: House, database: Database) -> None:
    token, given = await _first(house), []
    for _ in range(3):
        answers = await at_once(*[partial(house.post, REFRESH, {"refresh_token": token["refresh_token"]})] * 10)
        assert Counter(answer.status_code for answer in answers) == {200: 10}
        given = [answer.json()["data"] for answer in answers]
        assert len({one["refresh_token"] for one in given}) == 1
        token = given[0]

    assert await _live(database) == 1
    assert await _verdicts(house, given) == {200: 20}


async def test_a_thief_and_the_owner_never_have_two_families(house: House, database: Database) -> None:
    first = await _first(house)
    second = (await house.post(REFRESH, {"refresh_token": first["refresh_token"]})).json()["data"]
    asks = [partial(house.post, REFRESH, {"refresh_token": one["refresh_token"]}) for one in (first, second)] * 5
    answers = await at_once(*asks)
    given = [first, second] + [answer.json()["data"] for answer in answers if answer.status_code == 200]

    assert set(Counter(answer.status_code for answer in answers)) <= {200, 401}
    assert await _live(database) <= 1  # one, if the first token's retries all came before the second was used
    assert (await house.post(REFRESH, {"refresh_token": first["refresh_token"]})).status_code == 401
    assert await _live(database) == 0
    await _refused(house, given)


async def test_a_sign_out_at_one_door_wins_over_a_refresh_at_the_other(house: House, database: Database) -> None:
    first = await _first(house)
    for _ in range(4):
        bearer = {"Authorization": f"Bearer {first['access_token']}"}
        here, there = house.doors

        async def leave(door: httpx.AsyncClient = here, headers: dict[str, str] = bearer) -> httpx.Response:
            return await door.post("/api/v1/auth/logout", headers=headers)

        body = {"refresh_token": first["refresh_token"]}
        left, refreshed = await at_once(leave, partial(there.post, REFRESH, json=body))
        given = [first] + ([refreshed.json()["data"]] if refreshed.status_code == 200 else [])

        assert (left.status_code, await _live(database)) == (200, 0)
        await _refused(house, given)
        first = await _signed_in(house)


async def test_sign_ins_at_two_doors_never_pass_the_cap(house: House, database: Database) -> None:
    await _first(house)
    body = {"username": "first", "password": PASSWORD}
    for _ in range(2):
        answers = await at_once(*[partial(house.post, LOGIN, body)] * 20)
        assert Counter(answer.status_code for answer in answers) == {200: 20}
        assert await _live(database) == 20
