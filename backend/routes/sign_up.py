"""Dialect C's door for signing up: an account, and with it an organization of one's own."""

from fastapi import APIRouter, Response

from backend.routes.deps import BootstrapToken, Work
from backend.routes.receiving import PRIVATE, received
from backend.schemas.accounts import OwnAccount
from backend.schemas.session_service import Envelope, RegisterBody
from backend.services.admission import Registration

router = APIRouter(prefix="/api/v1/auth", tags=["C: sessions"])


@router.post("/register", status_code=201, response_model=Envelope[OwnAccount], responses=PRIVATE)
async def register(body: RegisterBody, work: Work, bootstrap: BootstrapToken = None) -> Envelope[OwnAccount] | Response:
    """Sign up, with an organization whose owner one is; it works once one is let in."""
    given = body.model_dump(exclude={"role"}) | {"bootstrap_token": body.bootstrap_token or bootstrap}
    user = await work.admission.sign_up_with_organization(Registration(**{**given, "username": body.username or ""}))
    if user is None:
        return received()
    return Envelope(
        data=OwnAccount.of(user, await work.organizations.standings(user.id)),
        message="User registered successfully. Please check your email to verify your account.",
    )
