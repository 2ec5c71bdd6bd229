"""Paths: all of the API, that of a request, and those where an id or a username stands: no name looks like an id."""

import re
from collections.abc import Collection, Iterator
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import FastAPI, Path
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from starlette.convertors import Convertor, register_url_convertor
from starlette.types import Scope

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
_KIND: Final = re.compile(r":\w+}")
_UNKNOWN: Final = "unknown"


def answered(app: FastAPI, counting: Collection[object]) -> dict[str, bool]:
    """Return the paths of the API that an application answers, as limits name them, in their order.

    Each comes with whether one of its routes depends on what is `counting` requests.
    """
    found: dict[str, bool] = {}
    for context in iter_route_contexts(app.routes):
        path = _KIND.sub("}", str(context.path))
        if path.startswith("/api/"):
            calls = _calls(getattr(context, "dependant", None))
            found[path] = found.get(path, False) or any(call in counting for call in calls)
    return dict(sorted(found.items()))


def _calls(dependant: Dependant | None) -> Iterator[object]:
    if dependant:
        yield dependant.call
        for other in dependant.dependencies:
            yield from _calls(other)


def asked_for(scope: Scope) -> str:
    """Return the path of a request as its route writes it: what stands in its places may be somebody's name."""
    path: str | None = getattr(scope.get("route"), "path", None)
    if path and "{" not in path and scope["path"].endswith(path):  # a route does not know the prefix of its router
        return str(scope["path"])
    return _KIND.sub("}", path) if path else _UNKNOWN


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
