"""What a page asks while somebody types a new password: how hard it is to guess, and whether it will be taken."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, StringConstraints

from backend.routes.deps import FromOrigin, InContext
from backend.schemas.types import Text
from backend.services.strength import Strength, strength

router = APIRouter(include_in_schema=False)

Known = Annotated[Text, StringConstraints(max_length=320)]
"""A name, as far as anybody may have one; the rule looks for each word of it."""


class StrengthBody(BaseModel):
    """A password as it is being typed, and what the page knows of whose it will be."""

    password: Text
    username: Known = ""
    email: Known = ""
    institution: Known = ""


@router.post("/password-strength")
async def estimate(body: StrengthBody, context: InContext, origin: FromOrigin) -> Strength:
    """Tell how hard a password is to guess; nothing of it is kept or logged."""
    return await strength(
        context,
        origin.ip_address,
        body.password,
        username=body.username,
        email=body.email,
        institution=body.institution,
    )
