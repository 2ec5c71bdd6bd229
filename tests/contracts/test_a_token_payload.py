"""The access token as clients and other apps read it."""

import base64
import json
from typing import Any

import httpx
import pytest

from tests.contracts.answers import credentials
from tests.factories import PASSWORD, People


def _atob(token: str) -> dict[str, Any]:
    """Read a token as a browser's `atob(token.split('.')[1])` does: no base64url, plain ASCII."""
    payload = token.split(".")[1]
    content: dict[str, Any] = json.loads(base64.b64decode(payload + "=" * (-len(payload) % 4), validate=True))
    return content


async def test_the_payload_holds_the_promised_claims_and_nobodys_name(people: People) -> None:
    person = await people.active()
    claims = _atob(person.token or "")
    assert claims.keys() == {"sub", "sid", "session_id", "jti", "iat", "exp", "iss", "aud"}
    assert (claims["sub"], claims["sid"]) == (str(person.id), claims["session_id"])
    assert claims["iss"] == "http://127.0.0.1:8000"
    assert claims["exp"] - claims["iat"] == 3600


@pytest.mark.settings(public_url="https://accounts.example.org/x_y-z")
async def test_every_payload_is_readable_by_atob(client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    tokens = [(await client.post("/api/auth/login", json=credentials(person.username))).json() for _ in range(20)]
    payloads = [_atob(token["access_token"]) for token in tokens]
    assert len({payload["jti"] for payload in payloads}) == 20
    assert not {">", "?", "~"} & set(json.dumps(payloads))


async def test_each_sign_in_is_a_session_of_its_own(client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    form = await client.post("/api/auth/jwt/login", data={"username": person.username, "password": PASSWORD})
    assert _atob(form.json()["access_token"])["sid"] != _atob(person.token or "")["sid"]
