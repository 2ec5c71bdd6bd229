"""How the service is asked about itself: health, metrics, keys, documents."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
import pytest
from jose import jwt as jose_jwt

from tests.application import ON_SQLITE, Application
from tests.contracts.answers import code
from tests.factories import People
from tests.machines.postgres import Postgres

ISSUER = "http://127.0.0.1:8000"
JWKS = "/.well-known/jwks.json"
SECRET = "a secret of thirty-two bytes or more"
METRICS_TOKEN = "the metrics token"


@pytest.fixture
async def elsewhere(running: Application) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody at another machine."""
    transport = httpx.ASGITransport(running.app, client=("203.0.113.9", 50000))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        yield client


async def _lose_the_database(running: Application, request: pytest.FixtureRequest) -> None:
    await asyncio.gather(*(task for task in asyncio.all_tasks() if "_reconcile" in repr(task.get_coro())))
    await running.context.database.engine.dispose()
    url = running.context.settings.database
    if running.context.database.embedded:
        _spoil(Path(url.partition("///")[2]))
    else:
        server: Postgres = request.getfixturevalue("postgres_server")
        await server.drop_database(urlsplit(url).path.removeprefix("/"))


def _spoil(path: Path) -> None:
    path.with_name(f"{path.name}-wal").unlink(missing_ok=True)
    path.write_text("no database " * 1000)


async def test_a_healthy_service_is_live_and_ready(client: httpx.AsyncClient) -> None:
    live, ready = await client.get("/health/live"), await client.get("/health/ready")
    assert (live.status_code, ready.status_code) == (200, 200)


async def test_without_its_database_it_is_live_but_not_ready(
    running: Application, client: httpx.AsyncClient, request: pytest.FixtureRequest
) -> None:
    await _lose_the_database(running, request)
    live, ready = await client.get("/health/live"), await client.get("/health/ready")
    assert (live.status_code, ready.status_code) == (200, 503)


@pytest.mark.settings(redis_url="redis://127.0.0.1:1")
async def test_without_its_redis_it_is_ready(client: httpx.AsyncClient, people: People) -> None:
    answer = await client.get("/health/ready")
    assert (answer.status_code, answer.json()["redis"]) == (200, "degraded")
    assert (await people.active()).token


async def test_metrics_tell_what_happens(client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    await people.pending()
    await client.post("/api/auth/login", json={"username_or_email": person.username, "password": "wrong"})
    answer = await client.get("/metrics")
    lines = answer.text.splitlines()
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'vestibule_signins_total{outcome="success"} 1.0' in lines
    assert 'vestibule_signins_total{outcome="auth_invalid_credentials"} 1.0' in lines
    assert "vestibule_sessions_active 1.0" in lines
    assert 'vestibule_applications{status="pending"} 1.0' in lines
    assert 'vestibule_applications{status="active"} 2.0' in lines
    assert {'vestibule_messages{state="due"} 2.0', 'vestibule_messages{state="failed"} 0.0'} <= set(lines)
    assert any(line.startswith("vestibule_database_pool") for line in lines)
    assert any(line.startswith("vestibule_hash_queue") for line in lines)


async def test_metrics_are_for_this_machine(client: httpx.AsyncClient, elsewhere: httpx.AsyncClient) -> None:
    assert (await client.get("/metrics")).status_code == 200
    assert (await elsewhere.get("/metrics")).status_code == 403
    proxied = await client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"})
    assert proxied.status_code == 403


@pytest.mark.settings(metrics_token=METRICS_TOKEN)
async def test_metrics_are_for_who_has_the_token(elsewhere: httpx.AsyncClient) -> None:
    right = await elsewhere.get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
    wrong = await elsewhere.get("/metrics", headers={"Authorization": "Bearer guess"})
    assert (right.status_code, wrong.status_code) == (200, 403)
    assert (await elsewhere.get("/metrics")).status_code == 403


@pytest.mark.settings(metrics_token=METRICS_TOKEN)
async def test_this_machine_needs_no_metrics_token(client: httpx.AsyncClient) -> None:
    assert (await client.get("/metrics")).status_code == 200


async def test_a_token_verifies_with_nothing_but_the_published_key(running: Application, people: People) -> None:
    running.clock.at = datetime.now(UTC)  # strangers ask the machine
    person = await people.active()
    token, jwks = person.token or "", (await running.client.get(JWKS)).json()
    kid = jwt.get_unverified_header(token)["kid"]
    key = jwt.PyJWKSet.from_dict(jwks)[kid]
    by_pyjwt = jwt.decode(token, key, algorithms=["ES256"], audience="vestibule", issuer=ISSUER)
    by_jose = jose_jwt.decode(token, jwks, algorithms=["ES256"], audience="vestibule", issuer=ISSUER)
    assert by_pyjwt["sub"] == by_jose["sub"] == str(person.id)


async def test_the_published_key_is_public(client: httpx.AsyncClient) -> None:
    answer = await client.get(JWKS)
    (key,) = answer.json()["keys"]
    assert key.keys() == {"kty", "crv", "x", "y", "alg", "use", "kid"}
    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("EC", "P-256", "ES256", "sig")


@pytest.mark.settings(jwt_algorithm="HS256", secret_key=SECRET)
async def test_a_shared_secret_is_never_published(running: Application, people: People) -> None:
    running.clock.at = datetime.now(UTC)  # strangers ask the machine
    person = await people.active()
    answer = await running.client.get(JWKS)
    secrets = [SECRET, base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("=")]
    assert answer.json() == {"keys": []}
    assert not any(secret in answer.text for secret in secrets)
    claims = jwt.decode(person.token or "", SECRET, algorithms=["HS256"], audience="vestibule")
    assert claims["sub"] == str(person.id)
    assert (await person.get("/api/auth/whoami")).status_code == 200


@ON_SQLITE
async def test_docs_come_from_this_machine(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    assert page.status_code == 200
    assert "https://" not in page.text
    assert "'unsafe-eval'" not in page.headers["content-security-policy"]
    assert "script-src 'self'" in page.headers["content-security-policy"]
    for asset in ("/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js"):
        assert asset in page.text
        assert (await client.get(asset)).status_code == 200
    assert (await client.get("/docs/other.js")).status_code == 404


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in document["paths"].values() for operation in path.values()]


@ON_SQLITE
async def test_the_openapi_document_shows_dialect_a(client: httpx.AsyncClient) -> None:
    answer = await client.get("/openapi.json")
    document = answer.json()
    names = [operation["operationId"] for operation in _operations(document)]
    paths = {path.removeprefix("/api/auth") for path in document["paths"] if path.startswith("/api/auth/")}
    assert answer.status_code == 200
    assert len(set(names)) == len(names)
    assert paths == {
        *("/register", "/login", "/jwt/login", "/jwt/logout", "/whoami", "/config", "/forgot-password"),
        *("/reset-password", "/request-verify-token", "/verify", "/change-password", "/admin/users"),
        *("/admin/users/{id}", "/admin/users/{id}/promote", "/admin/users/{id}/demote", "/admin/stats"),
        *("/admin/pending-approvals", "/admin/users/{id}/approve", "/admin/reset-user-password"),
    }


@ON_SQLITE
async def test_every_reference_of_the_document_leads_somewhere(client: httpx.AsyncClient) -> None:
    text = (await client.get("/openapi.json")).text
    schemas = json.loads(text)["components"]["schemas"]
    references = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert references <= schemas.keys()


async def test_authorize_works_with_username_and_password(client: httpx.AsyncClient, people: People) -> None:
    document = (await client.get("/openapi.json")).json()
    flows = [scheme["flows"]["password"]["tokenUrl"] for scheme in document["components"]["securitySchemes"].values()]
    person = await people.active()
    for url in flows:
        assert (await client.post(url, data={"username": person.username, "password": person.password})).is_success
    assert flows


@ON_SQLITE
@pytest.mark.settings(env="production", public_url="https://accounts.example.org")
async def test_production_shows_no_docs(client: httpx.AsyncClient) -> None:
    paths = ("/docs", "/openapi.json", "/docs/swagger-ui-bundle.js", "/redoc")
    assert {(await client.get(path)).status_code for path in paths} == {404}
    assert code(await client.get("/openapi.json")) == (404, "NOT_FOUND")


@ON_SQLITE
@pytest.mark.settings(env="production", public_url="https://accounts.example.org", docs=True)
async def test_production_may_show_docs(client: httpx.AsyncClient) -> None:
    assert {(await client.get(path)).status_code for path in ("/docs", "/openapi.json")} == {200}


@ON_SQLITE
@pytest.mark.settings(docs=False)
async def test_docs_can_be_switched_off(client: httpx.AsyncClient) -> None:
    assert {(await client.get(path)).status_code for path in ("/docs", "/openapi.json")} == {404}
