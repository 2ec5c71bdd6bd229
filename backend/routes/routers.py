"""All routers, in the order in which FastAPI asks them: the first whose path fits answers."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter

from backend.routes import (
    account_files,
    approval_service,
    approval_service_admin,
    audit,
    invitations,
    messages,
    opaque_sessions,
    operations,
    organizations,
    own_data,
    session_service,
    sign_in,
    sign_up,
    statistics,
    tiers,
    users,
    users_by_name,
    verifying,
)
from backend.routes.pages import (
    account,
    approvals,
    approvals_at_once,
    devices,
    editing,
    entrance,
    exchange,
    invitation,
    inviting,
    ledger,
    listing,
    members,
    organization_acts,
    overview,
    profile,
    recovery,
    strength,
    tier_acts,
    tier_moves,
    tier_of_person,
    users_at_once,
    waiting,
)
from backend.routes.pages import audit as audit_page
from backend.routes.pages import organizations as organization_pages
from backend.routes.pages import statistics as statistics_page
from backend.routes.pages import tier_limits as tier_limit_pages
from backend.routes.pages import tiers as tier_pages
from backend.routes.pages import users as people

_RESOURCES: Final = (
    approval_service,
    approval_service_admin,
    sign_in,
    sign_up,
    session_service,
    verifying,
    opaque_sessions,
    own_data,
    account_files,
    users,
    users_by_name,
    messages,
    statistics,
    audit,
    tiers,
    invitations,
    organizations,
    operations,
)
_PAGES: Final = (
    entrance,
    waiting,
    account,
    profile,
    devices,
    approvals,
    approvals_at_once,
    listing,
    users_at_once,
    exchange,
    ledger,
    statistics_page,
    audit_page,
    overview,
    editing,
    organization_pages,
    organization_acts,
    inviting,
    members,
    invitation,
    tier_limit_pages,
    tier_pages,
    tier_moves,
    tier_acts,
    tier_of_person,
    people,
    recovery,
    strength,
)
ROUTERS: Final[Sequence[APIRouter]] = [module.router for module in (*_RESOURCES, *_PAGES)]
