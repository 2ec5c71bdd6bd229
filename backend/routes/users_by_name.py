"""Dialect B3, `/api/v1/users/*`: signing up, and accounts by username. An id at the same place is B1's."""

from fastapi import APIRouter, Response

from backend.routes.deps import SESSION, BootstrapToken, CurrentAdmin, CurrentUser, InContext, Look, MaybeUser, Work
from backend.routes.receiving import PRIVATE, received
from backend.schemas.accounts import Account, ChangedAnswer, PublicProfile, fields
from backend.schemas.answers import Message
from backend.schemas.tiers import LimitOfTier, LimitsOfUser, TierOfUser, TierOfUserBody
from backend.schemas.users import ProfileChanges, SignUpByName
from backend.services.registration import Registration

router = APIRouter(prefix="/api/v1/users", tags=["B3: people by name"])


@router.post("", status_code=201, response_model=Account, responses=PRIVATE)
async def create(body: SignUpByName, work: Work, bootstrap: BootstrapToken = None) -> Account | Response:
    """Sign up with a username of one's own."""
    registration = Registration(
        body.username,
        body.email,
        body.password,
        full_name=body.name,
        approval_note=body.approval_note,
        institution=body.institution,
        bootstrap_token=body.bootstrap_token or bootstrap,
    )
    user = await work.sign_up.with_username(registration)
    return Account.model_validate(user) if user else received()


@router.get("/active-and-inactive/{username}")
async def show_any(username: str, caller: CurrentAdmin, look: Look) -> Account:
    """Show an account whatever its status, deleted ones included."""
    return Account.model_validate(await look.people.one(username, gone=True))


@router.delete("/db/{username}")
async def anonymize(username: str, caller: CurrentAdmin, work: Work) -> Message:
    """Erase an account for good: names, address, notes, devices and directory. There is no way back."""
    await work.by_name.anonymize(caller, username)
    return Message(message="User anonymized")


@router.get("/{user}/tier")
async def show_tier(user: str, caller: CurrentUser, look: Look) -> TierOfUser:
    """Show one's own account with the tier that it was given, or as an administrator anybody's."""
    found = await look.tier_holders.allowance_of(caller, user)
    tier = found.given
    return TierOfUser(
        **fields(found.user), tier_name=tier.name if tier else None, tier_created_at=tier.created_at if tier else None
    )


@router.patch("/{user}/tier")
async def give_tier(user: str, body: TierOfUserBody, caller: CurrentAdmin, work: Work) -> Message:
    """Give an account a tier, or by null take it away; deleted ones too."""
    await work.tier_holders.assign_to(caller.id, user, body.tier_id)
    return Message(message="User tier updated successfully")


@router.get("/{user}/rate-limits")
async def show_limits(user: str, caller: CurrentUser, look: Look) -> LimitsOfUser:
    """Show one's own account with the limits in force, or as an administrator anybody's."""
    found = await look.tier_holders.allowance_of(caller, user)
    return LimitsOfUser(
        **fields(found.user), tier_rate_limits=[LimitOfTier.model_validate(limit) for limit in found.limits]
    )


@router.get("/{user}", openapi_extra={"security": [{}, {SESSION: []}]})
async def show(user: str, caller: MaybeUser, look: Look, context: InContext) -> PublicProfile:
    """Show what everybody may know about somebody. By id, an administrator sees the account with its numbers."""
    found = await look.people.profile(user, caller, public=context.settings.profiles_shown)
    return PublicProfile.model_validate(found)


@router.patch("/{user}")
async def update(user: str, body: ProfileChanges, caller: CurrentUser, work: Work) -> ChangedAnswer:
    """Change one's own account, or as an administrator another one. By id, administrators change rights as well."""
    changed = await work.by_name.update(caller, user, body.changes(), body.current_password)
    return ChangedAnswer.model_validate(changed)


@router.delete("/{user}")
async def delete(user: str, caller: CurrentUser, work: Work) -> Message:
    """Delete one's own account, or as an administrator another one; it can be restored for a while."""
    await work.by_name.delete(caller, user)
    return Message(message="User account deactivated")
