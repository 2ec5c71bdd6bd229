"""Every route of the application as it is mounted, and every body the OpenAPI document asks for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

Route = tuple[str, str]


def routes(app: FastAPI) -> set[Route]:
    """Method and path of everything that answers."""
    return {
        (method, str(context.path))
        for context in iter_route_contexts(app.routes)
        for method in getattr(context, "methods", None) or ()
        if method not in {"HEAD", "OPTIONS"}
    }


def at(path: str, id_: UUID | str, name: str = "nobody") -> str:
    """The path of a route with its places filled: by an id, or where a username stands by a name."""
    for place, value in {
        "{id}": str(id_),
        "{id:account_id}": str(id_),
        "{user}": name,
        "{username}": name,
        "{action}": "end-sessions",
        "{member}": str(id_),
        "{invitation}": str(id_),
        "{asset}": "swagger-ui.css",
        "{chart}": "sign-ins",
        "{user_id}": str(id_),
        "{invitation_id}": str(id_),
    }.items():
        path = path.replace(place, value)
    return path


@dataclass(frozen=True)
class Operation:
    """A route that takes a body, and a body it would take."""

    method: str
    path: str
    media_type: str
    fields: Mapping[str, Mapping[str, Any]]

    @property
    def json(self) -> bool:
        return self.media_type == "application/json"

    def sound(self) -> dict[str, Any]:
        """A body in which every field has a value of its type."""
        return {name: _sound(name, schema) for name, schema in self.fields.items()}

    def texts(self) -> list[str]:
        """The fields that take text."""
        return [name for name, schema in self.fields.items() if _kind(schema) == "string"]


def operations(app: FastAPI) -> Iterator[Operation]:
    """Everything in the document that takes a body."""
    document = app.openapi()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for media_type, body in operation.get("requestBody", {}).get("content", {}).items():
                for fields in _fields(document, body["schema"]):
                    place = "{id}" if "is_superuser" in fields else "{user}"  # two routes are shown as one
                    yield Operation(method.upper(), path.replace("{user}", place), media_type, fields)


def _fields(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for one in schema.get("anyOf", [schema]):
        if "$ref" in one:
            yield document["components"]["schemas"][str(one["$ref"]).rpartition("/")[2]]["properties"]
        elif one.get("type") != "null":
            yield one.get("properties", {})  # a file has no fields


def _kind(schema: Mapping[str, Any]) -> str:
    found = [one.get("type") for one in schema.get("anyOf", [schema])]
    return str(next((kind for kind in found if kind != "null"), "null"))


def _sound(name: str, schema: Mapping[str, Any]) -> Any:
    if _kind(schema) == "boolean":
        return name != "revoke_all_sessions"  # which would end what asks
    return {
        "email": "sound@example.org",
        "username": "sound",
        "user_id": str(UUID(int=1)),
        "grant_type": "password",
        "role": "user",
        "operation": "activate",
        "user_ids": [str(UUID(int=1))],
        "data": {},
    }.get(name, None if _kind(schema) == "null" else "a sound value")
