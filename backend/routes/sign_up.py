"""Dialect C's door for signing up: an account, and with it an organization of one's own."""

from fastapi import APIRouter, Response

from backend.routes.deps import BootstrapToken, Work
from backend.routes.receiving import PRIVATE_IN_ENVELOPE, received_in_envelope
from backend.schemas.accounts import OwnAccount
from backend.schemas.answers import Envelope
from backend.schemas.session_service import SignUpWithOrganization
from backend.services.registration import Registration

router = APIRouter(prefix="/api/v1/auth", tags=["C: sessions"])


@router.post("/register", status_code=201, response_model=Envelope[OwnAccount], responses=PRIVATE_IN_ENVELOPE)
async def register(
    body: SignUpWithOrganization, work: Work, bootstrap: BootstrapToken = None
) -> Envelope[OwnAccount] | Response:
    """Sign up, with an organization whose owner one is; it works once one is let in."""
    given = body.model_dump(exclude={"role"}) | {"bootstrap_token": body.bootstrap_token or bootstrap}
    user = await work.sign_up.with_organization(Registration(**{**given, "username": body.username or ""}))
    if user is None:
        return received_in_envelope()
    return Envelope(
        data=OwnAccount.of(user, await work.organizations.standings(user.id)),
        message="User registered successfully. Please check your email to verify your account.",
    )
