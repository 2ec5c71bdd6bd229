"""Dialect A, `/api/auth/*`: what everybody may ask."""

import json
from typing import Final

from fastapi import APIRouter, Response

from backend.routes.deps import BootstrapToken, CurrentUser, InContext, OnDevice, UnsettledUser, Work
from backend.routes.doorman import Answer
from backend.routes.receiving import PRIVATE, received
from backend.schemas.answers import Message
from backend.schemas.approval_service import (
    ChangePasswordBody,
    ConfigAnswer,
    Features,
    LoginAnswer,
    LoginBody,
    RegisterBody,
    ResetBody,
    SignedInUser,
    UserAnswer,
    WhoAmI,
)
from backend.schemas.profile import RESET_SENT, EmailBody
from backend.services.identity import Identity
from backend.services.registration import Registration
from backend.settings import RegistrationMode

router = APIRouter(prefix="/api/auth", tags=["A: approval service"])

WHOAMI: Final = "/api/auth/whoami"
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@router.post("/register", status_code=201, response_model=UserAnswer, responses=PRIVATE)
async def register(body: RegisterBody, work: Work, bootstrap: BootstrapToken = None) -> UserAnswer | Response:
    """Sign up. The first account ever becomes the superuser; others wait, as the registration mode says."""
    registration = body.model_dump() | {"bootstrap_token": body.bootstrap_token or bootstrap}
    user = await work.sign_up.with_username(Registration(**registration))
    return UserAnswer.model_validate(user) if user else received()


@router.post("/login")
async def login(body: LoginBody, device: OnDevice, work: Work) -> LoginAnswer:
    """Sign in by username or email address."""
    user = await work.authentication.check_password(body.username_or_email, body.password)
    grant = await work.sessions.open_bearer(user, device)
    return LoginAnswer(
        access_token=grant.access_token,
        expires_in=grant.expires_in,
        refresh_token=grant.refresh_token,
        user=SignedInUser.model_validate(user),
    )


@router.get("/whoami", response_model=WhoAmI)
async def who_am_i(caller: CurrentUser) -> Response:
    """Tell who carries this token."""
    return Response(whoami(caller).body, media_type="application/json")


def whoami(caller: Identity) -> Answer:
    """Tell who it is; written without a model, which would cost more than everything else."""
    about = {
        "username": caller.username,
        "id": str(caller.id),
        "is_superuser": caller.is_superuser,
        "is_active": caller.is_active,
    }
    return Answer(((b"content-type", b"application/json"),), _encode(about).encode())


@router.get("/config")
async def config(context: InContext) -> ConfigAnswer:
    """Tell clients the settings in force."""
    settings = context.settings
    return ConfigAnswer(
        inactivity_threshold_minutes=settings.inactivity_minutes,
        max_token_lifetime_hours=settings.max_token_lifetime_hours,
        features=Features(approval_workflow=settings.registration is RegistrationMode.APPROVAL),
        registration=settings.registration,
        email_features_enabled=settings.mail_enabled,
    )


@router.post("/forgot-password", status_code=202)
async def forgot_password(body: EmailBody, work: Work) -> Message:
    """Ask for a reset link. The answer is the same for every address."""
    await work.recovery.request_reset(body.email)
    return Message(message=RESET_SENT)


@router.post("/reset-password")
async def reset_password(body: ResetBody, work: Work) -> Message:
    """Set a new password by the token of a reset mail; all sessions end."""
    await work.recovery.reset(body.token, body.password)
    return Message(message="Password reset successfully")


@router.post("/change-password")
async def change_password(body: ChangePasswordBody, caller: UnsettledUser, work: Work) -> Message:
    """Replace one's own password; one's other sessions end."""
    await work.recovery.change_password(caller.id, body.current_password, body.new_password, besides=caller.session_id)
    return Message(message="Password changed successfully")
