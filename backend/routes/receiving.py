"""What somebody hears who signs up where registration is private: the same for new and for taken names."""

from typing import Any, Final

from fastapi.responses import JSONResponse, Response

from backend.schemas.accounts import Received

PRIVATE: Final[dict[int | str, dict[str, Any]]] = {
    202: {"model": Received, "description": "Registration is private: new and taken names get this same answer."}
}


def received() -> Response:
    """Say that the request has been received, and nothing about anybody."""
    return JSONResponse(Received().model_dump(), 202)
