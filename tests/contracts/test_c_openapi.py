"""The OpenAPI document of dialects B0 and C: both bodies of the one sign-in, and a document that holds together."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.application import ON_SQLITE
from tests.contracts.dialect_c import LOGIN

pytestmark = ON_SQLITE

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


@pytest.fixture
async def document(client: httpx.AsyncClient) -> dict[str, Any]:
    """The document that clients read."""
    answer = await client.get("/openapi.json")
    found: dict[str, Any] = answer.json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method in methods.keys() & METHODS:
            yield path, methods[method]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from references(item)


def follow(document: dict[str, Any], reference: str) -> Any:
    assert reference.startswith("#/")
    found: Any = document
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


async def test_the_document_shows_every_address(document: dict[str, Any]) -> None:
    c = {
        "register",
        "login",
        "refresh",
        "logout",
        "refresh-csrf",
        "check-auth",
        "sessions",
        "users/me",
        "users/me/password",
    }
    b0 = {"signin", "info", "sessions", "signout", "signout-sessions"}
    expected = {f"/api/v1/auth/{name}" for name in {*c, "verify"}} | {f"/api/v1/users/{name}" for name in b0}
    assert expected <= document["paths"].keys()
    assert document["paths"]["/api/v1/auth/users/me"].keys() >= {"get", "put"}


async def test_both_bodies_of_the_sign_in_are_shown(document: dict[str, Any]) -> None:
    content = document["paths"][LOGIN]["post"]["requestBody"]["content"]
    assert content.keys() == {"application/json", *FORMS}
    names = {"username", "email", "username_or_email", "password", "remember_me"}
    assert content["application/json"]["schema"]["properties"].keys() >= names
    for form in FORMS:
        assert content[form]["schema"]["required"] == ["username", "password"]
        assert content[form]["schema"]["properties"].keys() >= {"username", "password", "remember_me"}


async def test_leaving_is_shown_with_the_status_it_answers(document: dict[str, Any]) -> None:
    answers = document["paths"]["/api/auth/jwt/logout"]["post"]["responses"]
    assert answers.keys() & {"200", "204"} == {"204"}
    assert "content" not in answers["204"]


async def test_both_answers_of_the_sign_in_are_shown(document: dict[str, Any]) -> None:
    schema = document["paths"][LOGIN]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    shapes = [follow(document, one["$ref"])["properties"].keys() for one in schema["anyOf"]]
    assert {"success", "data", "message"} in shapes
    assert {"access_token", "refresh_token", "token_type", "expires_in", "csrf_token"} in shapes


async def test_the_authorize_button_knows_where_to_sign_in(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"].values()
    flows = [scheme["flows"]["password"] for scheme in schemes if "password" in scheme.get("flows", {})]
    assert LOGIN in {flow["tokenUrl"] for flow in flows}


async def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found = set(references(document))
    assert found
    assert all(follow(document, reference) for reference in found)


async def test_no_schema_is_named_by_the_module_it_stands_in(document: dict[str, Any]) -> None:
    names = document["components"]["schemas"]
    assert [name for name in names if "__" in name.rstrip("_")] == []  # what an envelope of a list is named ends so


async def test_every_operation_has_a_name_of_its_own_and_answers(document: dict[str, Any]) -> None:
    found = [operation for _, operation in operations(document)]
    names = [operation["operationId"] for operation in found]
    assert len(names) == len(set(names))
    assert all(
        re.fullmatch(r"default|[1-5]\d\d", status) and "description" in answer
        for operation in found
        for status, answer in operation["responses"].items()
    )


async def test_every_parameter_of_a_path_is_described(document: dict[str, Any]) -> None:
    for path, operation in operations(document):
        given = [one["name"] for one in operation.get("parameters", []) if one["in"] == "path"]
        assert sorted(given) == sorted(re.findall(r"{(\w+)", path)), path
        assert all(one["required"] and one["schema"] for one in operation.get("parameters", []) if one["in"] == "path")


async def test_every_scheme_that_is_asked_for_is_declared(document: dict[str, Any]) -> None:
    declared = document["components"]["securitySchemes"].keys()
    asked = {name for _, operation in operations(document) for one in operation.get("security", []) for name in one}
    assert asked <= declared
    assert document["openapi"].startswith("3.1")
    assert document["info"].keys() >= {"title", "version"}
