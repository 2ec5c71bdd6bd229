"""`GET /api/v1/auth/verify`: yes or no, and whose; for reverse proxies that ask before they let a request through."""

from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Response

from backend.routes.deps import CurrentUser
from backend.routes.doorman import Answer
from backend.services.identity import Identity

router = APIRouter(prefix="/api/v1/auth", tags=["C: sessions"])

PATH: Final = "/api/v1/auth/verify"
_PLAIN: Final = "!#$&'*+-.^_`|~@/=?"
"""Characters that stand in these headers as they are; others are percent-encoded UTF-8."""


_MORE: Final = ("X-User-Email-Verified", "X-User-Role", "X-Session-Id")
_YES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Yes, and who it is. Names are percent-encoded UTF-8.",
        "headers": {
            name: {"schema": {"type": "string"}} for name in ("X-User-Id", "X-User-Name", "X-User-Email", *_MORE)
        },
    }
}


@router.get("/verify", response_class=Response, responses=_YES)
async def verify(caller: CurrentUser) -> Response:
    """Say yes by 200 without a body, with who it is in headers; or no by 401, by 403 while a password is temporary."""
    return Response(headers={name.decode(): value.decode() for name, value in verified(caller).headers})


def verified(caller: Identity) -> Answer:
    """Tell a proxy who it is, in headers it can hand on."""
    return Answer(
        (
            (b"x-user-id", str(caller.id).encode()),
            (b"x-user-name", _quoted(caller.username)),
            (b"x-user-email", _quoted(caller.email)),
            (b"x-user-email-verified", b"true" if caller.is_verified else b"false"),
            (b"x-user-role", caller.role.encode()),
            (b"x-session-id", str(caller.session_id).encode()),
        )
    )


@lru_cache(maxsize=4096)
def _quoted(text: str) -> bytes:
    return quote(text, _PLAIN).encode()
