"""The OpenAPI document of dialects B1 and B3: one path for an id and a username, and what each call takes and gives."""

from typing import Any

import httpx
import pytest

from backend.identifiers import RESERVED
from tests.application import ON_SQLITE, Application
from tests.contracts.dialect_b import NUMBERS, USER, USERS
from tests.contracts.test_c_openapi import follow, references
from tests.security.routes import routes

pytestmark = ON_SQLITE

CALLS = {
    "/api/v1/users": {"get", "post"},
    "/api/v1/users/register": {"post"},
    "/api/v1/users/me": {"get", "patch", "delete"},
    "/api/v1/users/me/change-password": {"post"},
    "/api/v1/users/reset-password/request": {"post"},
    "/api/v1/users/reset-password/confirm": {"post"},
    "/api/v1/users/bulk": {"post"},
    "/api/v1/users/stats": {"get"},
    "/api/v1/users/active-and-inactive/{username}": {"get"},
    "/api/v1/users/db/{username}": {"delete"},
    "/api/v1/users/{user}": {"get", "patch", "delete"},
    "/api/v1/users/{user}/tier": {"get", "patch"},
    "/api/v1/users/{user}/rate-limits": {"get"},
}
LISTED = {"query", "role", "is_active", "status", "tier_id", "created_after", "created_before", "sort_by", "sort_order"}


@pytest.fixture
async def document(client: httpx.AsyncClient) -> dict[str, Any]:
    """The document that clients read."""
    answer = await client.get("/openapi.json")
    found: dict[str, Any] = answer.json()
    return found


def bodies(document: dict[str, Any], path: str, method: str) -> list[set[str]]:
    """The fields of every kind of body that a call takes."""
    return _fields(document, document["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"])


def answers(document: dict[str, Any], path: str, method: str, status: str = "200") -> list[set[str]]:
    """The fields of every kind of answer that a call gives."""
    responses = document["paths"][path][method]["responses"]
    return _fields(document, responses[status]["content"]["application/json"]["schema"])


def _fields(document: dict[str, Any], schema: dict[str, Any]) -> list[set[str]]:
    kinds = [one["$ref"] for one in schema.get("anyOf", [schema]) if "$ref" in one]
    return [set(follow(document, kind)["properties"]) for kind in kinds]


async def test_every_call_is_shown_once(document: dict[str, Any]) -> None:
    shown = {path: set(methods) for path, methods in document["paths"].items() if path in CALLS}
    assert shown == CALLS
    one = [path for path in document["paths"] if path.startswith(f"{USERS}/{{")]
    assert sorted(one) == [f"{USERS}/{{user}}{rest}" for rest in ("", "/rate-limits", "/tier")]


async def test_what_is_mounted_is_shown(running: Application, document: dict[str, Any]) -> None:
    mounted = {path.replace("{id:account_id}", "{user}") for _, path in routes(running.app) if path.startswith(USERS)}
    assert {path for path in document["paths"] if path.startswith(USERS)} == mounted


async def test_words_that_are_paths_are_kept_back_from_names(running: Application) -> None:
    words = {path.removeprefix(USERS).split("/")[1] for _, path in routes(running.app) if path.startswith(f"{USERS}/")}
    assert {word for word in words if "{" not in word} <= RESERVED


async def test_both_bodies_of_a_change_are_shown(document: dict[str, Any]) -> None:
    by_name = {"name", "username", "email", "profile_image_url", "current_password"}
    by_id = {"username", "email", "institution", "role", "status", "is_active", "is_superuser", "reason"}
    shown = bodies(document, f"{USERS}/{{user}}", "patch")
    assert len(shown) == 2
    assert any(fields >= by_id for fields in shown)
    assert any(fields >= by_name - {"name"} and not fields & {"status", "is_superuser"} for fields in shown)
    assert all(fields & {"name", "full_name"} for fields in shown)


async def test_both_answers_about_an_account_are_shown(document: dict[str, Any]) -> None:
    shown = answers(document, f"{USERS}/{{user}}", "get")
    assert {frozenset(fields) for fields in shown} >= {
        frozenset({"id", "username", "name", "profile_image_url", "created_at"})
    }
    assert any(fields >= USER | NUMBERS for fields in shown)


async def test_the_other_bodies_and_answers_are_shown(document: dict[str, Any]) -> None:
    (registration,) = bodies(document, f"{USERS}/register", "post")
    assert registration >= {"email", "password", "username", "role", "approval_note", "institution"}
    assert bodies(document, USERS, "post")[0] >= {"name", "username", "email", "password", "google_id", "github_id"}
    assert bodies(document, f"{USERS}/bulk", "post") == [{"user_ids", "operation", "data"}]
    assert bodies(document, f"{USERS}/me", "delete") == [{"confirm"}]
    assert answers(document, f"{USERS}/me", "get")[0] >= USER | NUMBERS
    assert answers(document, f"{USERS}/register", "post", "201")[0] >= USER
    assert answers(document, f"{USERS}/bulk", "post") == [{"operation", "requested", "succeeded", "failed", "errors"}]


async def test_the_parameters_of_a_list_are_shown(document: dict[str, Any]) -> None:
    operation = document["paths"][USERS]["get"]
    names = {one["name"] for one in operation["parameters"] if one["in"] == "query"}
    assert names >= LISTED | {"page", "items_per_page", "cursor"}
    keys = {one["name"] for one in document["paths"][f"{USERS}/bulk"]["post"]["parameters"]}
    assert {key.lower() for key in keys} == {"idempotency-key"}


async def test_no_answer_has_a_hash(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert [name for name, schema in schemas.items() if "hashed_password" in schema.get("properties", {})] == []
    assert all(follow(document, reference) for reference in set(references(document)))
