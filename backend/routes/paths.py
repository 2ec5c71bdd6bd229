"""Paths in which an id and a username stand at the same place: the id has a shape that no username has."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Path
from starlette.convertors import Convertor, register_url_convertor

from backend.identifiers import ID
from backend.schemas.types import Id


class _AccountId(Convertor[UUID]):
    """An id, hyphenated or as 32 hex digits; braces and `urn:uuid:` are none."""

    regex = ID.pattern

    def convert(self, value: str) -> UUID:
        """Read it."""
        return UUID(value)

    def to_string(self, value: UUID) -> str:
        """Write it."""
        return str(value)


register_url_convertor("account_id", _AccountId())
BY_ID: Final = "/{id:account_id}"
PathId = Annotated[Id, Path()]
"""An id where nothing else can stand; what is none is a 422."""
_ONE: Final = "/api/v1/users/{user}"
_OTHER: Final = "/api/v1/users/{id}"


def in_one_path(document: dict[str, Any]) -> dict[str, Any]:
    """Describe by one path what two routes answer: OpenAPI knows no two paths that differ in a name only."""
    paths = document["paths"]
    for method, by_id in paths.pop(_OTHER, {}).items():
        operation = paths[_ONE].setdefault(method, by_id)
        for part in ("requestBody", "200"):
            one, other = (found["responses"].get(part, found.get(part)) for found in (operation, by_id))
            if one and other and one != other:
                content, more = (found["content"]["application/json"] for found in (one, other))
                content["schema"] = {"anyOf": [content["schema"], more["schema"]]}
    return document
