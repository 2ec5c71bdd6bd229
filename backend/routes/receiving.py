"""What somebody hears who signs up where registration is private: the same for new and for taken names."""

from typing import Any, Final

from fastapi.responses import JSONResponse, Response

from backend.schemas.accounts import Received
from backend.schemas.answers import Envelope

Responses = dict[int | str, dict[str, Any]]
_DESCRIPTION: Final = "Registration is private: new and taken names get this same answer."
PRIVATE: Final[Responses] = {202: {"model": Received, "description": _DESCRIPTION}}
PRIVATE_IN_ENVELOPE: Final[Responses] = {202: {"model": Envelope[None], "description": _DESCRIPTION}}


def received() -> Response:
    """Say that the request has been received, and nothing about anybody."""
    return JSONResponse(Received().model_dump(), 202)


def received_in_envelope() -> Response:
    """Say the same in dialect C."""
    return JSONResponse(Envelope(data=None, message=Received().message).model_dump(), 202)
