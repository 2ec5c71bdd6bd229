"""The strict reader: what is not, to the byte, a token this service could have written is refused."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import InvalidToken, TokenExpired
from backend.key_directory import KeyDirectory
from backend.keys import FixedKeys, shared_secret
from backend.tokens import Claims, TokenSigner
from tests.application import Application
from tests.factories import People
from tests.services.forgeries import MUTATIONS, with_payload

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
FAR_OFF = datetime(2999, 1, 1, tzinfo=UTC)
MOMENT = timedelta(seconds=1)
STAMP = int(NOW.timestamp())
CLAIMS = Claims(uuid4(), uuid4(), NOW, NOW + timedelta(hours=1))
SECRET = "a secret that is 32 bytes or more"


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> TokenSigner:
    """A signer with an ES256 key of its own."""
    return TokenSigner(KeyDirectory(tmp_path_factory.mktemp("keys"), refuse_readable=True).ring, "https://id.example")


def test_a_token_of_our_own_is_read(signer: TokenSigner) -> None:
    assert signer.read(signer.sign(CLAIMS), NOW) == CLAIMS


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_token_that_differs_in_anything_is_refused(signer: TokenSigner, name: str) -> None:
    forged = MUTATIONS[name](signer, signer.sign(CLAIMS))

    with pytest.raises(InvalidToken):
        signer.read(forged, NOW)


@pytest.mark.parametrize("exp", [-1, 0, STAMP])
def test_a_token_of_our_own_is_over_at_its_end(signer: TokenSigner, exp: int) -> None:
    with pytest.raises(TokenExpired):
        signer.read(with_payload(exp=exp)(signer, signer.sign(CLAIMS)), NOW)


@pytest.mark.parametrize("exp", [-1, 0, STAMP])
def test_who_wants_to_leave_may_show_a_token_that_is_over(signer: TokenSigner, exp: int) -> None:
    claims = signer.read(with_payload(exp=exp)(signer, signer.sign(CLAIMS)), NOW, expired_ok=True)

    assert (claims.session_id, int(claims.expires_at.timestamp())) == (CLAIMS.session_id, exp)


@pytest.mark.parametrize("name", MUTATIONS)
def test_to_leave_a_token_must_be_ours_all_the_same(signer: TokenSigner, name: str) -> None:
    over = signer.sign(replace(CLAIMS, expires_at=NOW))

    with pytest.raises(InvalidToken):
        signer.read(MUTATIONS[name](signer, over), NOW, expired_ok=True)


def test_a_clock_may_be_a_minute_ahead_and_no_more(signer: TokenSigner) -> None:
    token = signer.sign(CLAIMS)

    assert signer.read(token, NOW - timedelta(seconds=60)) == CLAIMS
    with pytest.raises(InvalidToken):
        signer.read(token, NOW - timedelta(seconds=61))


@given(st.text(max_size=300))
def test_no_text_at_all_makes_the_reader_stumble(text: str) -> None:
    signer = TokenSigner(FixedKeys(shared_secret(SECRET)).ring, "https://id.example")

    with pytest.raises(InvalidToken):
        signer.read(text, NOW)


def test_a_shared_secret_signs_for_itself_only(signer: TokenSigner, tmp_path: Path) -> None:
    shared = TokenSigner(FixedKeys(shared_secret(SECRET)).ring, signer.issuer)
    other = TokenSigner(KeyDirectory(tmp_path, refuse_readable=True).ring, signer.issuer)

    assert shared.read(shared.sign(CLAIMS), NOW) == CLAIMS
    for foreign in (other, shared):
        with pytest.raises(InvalidToken):
            signer.read(foreign.sign(CLAIMS), NOW)
    assert hashlib.sha256(SECRET.encode()).hexdigest()[:16] not in shared.keys().active(NOW).kid


def test_a_token_is_signed_by_the_key_whose_time_it_is_and_believed_by_all(tmp_path: Path) -> None:
    held, signer, now = _with_keys(tmp_path)
    begin = held.rotate(now).signs_from
    claims = [replace(CLAIMS, issued_at=at, expires_at=FAR_OFF) for at in (now, begin - MOMENT, begin, begin + MOMENT)]
    tokens = [signer.sign(one) for one in claims]

    first, second = (key.kid for key in held.ring().keys)
    assert [jwt.get_unverified_header(token)["kid"] for token in tokens] == [first, first, second, second]
    assert [signer.read(token, begin) for token in tokens] == claims


def test_the_tokens_of_a_retired_key_are_refused(tmp_path: Path) -> None:
    held, signer, now = _with_keys(tmp_path)
    claims, kid = replace(CLAIMS, issued_at=now, expires_at=FAR_OFF), held.ring().active(now).kid
    old = signer.sign(claims)
    held.rotate(now, at_once=True)
    new = signer.sign(claims)
    assert signer.read(old, now) == signer.read(new, now) == claims

    held.retire(kid, now)

    assert signer.read(new, now) == claims
    for expired_ok in (False, True):
        with pytest.raises(InvalidToken):
            signer.read(old, now, expired_ok=expired_ok)


async def test_every_forgery_is_the_same_401_over_http(running: Application, people: People) -> None:
    person = await people.active()
    assert person.token
    told = {}
    for name in MUTATIONS.keys() - {"blank-after", "newline-after"}:  # a header cannot carry blanks around its value
        forged = MUTATIONS[name](running.context.signer, person.token)
        answer = await _who(running.client, forged)
        told[name] = (answer.status_code, answer.json()["error_code"], answer.headers.get("www-authenticate", ""))

    assert {name: found for name, found in told.items() if found[:2] != (401, "INVALID_TOKEN")} == {}
    assert {challenge.partition(",")[0] for _, _, challenge in told.values()} == {'Bearer error="invalid_token"'}


async def test_a_token_stands_in_the_header_and_nowhere_else(client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    answers = [
        await client.get("/api/auth/whoami", params={"access_token": person.token}),
        await client.request("GET", "/api/auth/whoami", json={"access_token": person.token}),
        await client.get("/api/auth/whoami", headers={"Authorization": f"Basic {person.token}"}),
        await client.get("/api/auth/whoami", headers={"Cookie": f"session_id={person.token}"}),
        await client.get("/api/auth/whoami", headers=[("Authorization", f"Bearer {person.token}")] * 2),
    ]

    assert [answer.status_code for answer in answers] == [401] * 5


def _with_keys(directory: Path) -> tuple[KeyDirectory, TokenSigner, datetime]:
    """A directory with its first key, who signs with it, and a moment when that key has long begun."""
    held = KeyDirectory(directory, refuse_readable=True)
    begun = held.ring().keys[0].signs_from.replace(microsecond=0) + timedelta(days=1)
    return held, TokenSigner(held.ring, "https://id.example"), begun


async def _who(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.get("/api/auth/whoami", headers={b"Authorization": f"Bearer {token}".encode()})
