"""What is kept of refusals: records in the audit, and the mail to an owner whose account somebody tries to open."""

from typing import Final
from uuid import UUID

import structlog
from fastapi import Request

from backend import errors
from backend.identifiers import as_id
from backend.routes.deps import get_context, get_origin
from backend.routes.paths import asked_for
from backend.services import unit_of_work
from backend.services.audit import Action
from backend.services.guesses import warn_owner
from backend.services.identity import Identity
from backend.services.people import People
from backend.services.throttle import Throttle

_UNTOLD: Final = (
    errors.Unauthenticated,
    errors.CsrfFailed,
    errors.UnsupportedMediaType,
    errors.Busy,
    errors.TooManyRequests,
)
"""Refusals of strangers that say nothing about anybody; recording them would let a stranger fill the audit."""
_BY_NAME: Final = ("user", "username")
_BY_ID: Final = ("user_id", "member", "id")
"""What a path calls the place of an account; an `id` may be that of something else as well."""
_log = structlog.get_logger("vestibule.errors")


async def record(request: Request, error: errors.VestibuleError) -> None:
    """Save what must survive the refusal, in a transaction of its own; the refusal stands even if that fails."""
    context, origin = get_context(request), get_origin(request)
    caller: Identity | None = getattr(request.state, "caller", None)
    closed = error.counted.closed if isinstance(error, errors.PasswordWrong) and error.counted else None
    recorded = _is_recorded(request, error, caller)
    try:
        if recorded and not isinstance(error, errors.InvalidCredentials):  # those have limits of their own
            person = caller.id if caller else None
            account = error.user_id if isinstance(error, errors.SignInRefused) else person
            recorded = await Throttle.of(context).record_is_due(account, origin.ip_address)
        if not recorded and not closed:
            return
        async with unit_of_work(context, origin) as services:
            if closed:
                await warn_owner(services.users, services.outbox, closed)
            if isinstance(error, errors.SignInRefused):
                await services.audit.record(Action.SIGNIN_FAILED, target=error.user_id, reason=error.code)
            elif recorded:
                await services.audit.record(
                    Action.REFUSED,
                    target=await _target(request, services.people),
                    actor=caller.id if caller else None,
                    reason=error.code,
                    method=request.method,
                    path=asked_for(request.scope),
                )
    except Exception:  # noqa: BLE001  # whatever is wrong with the record, the refusal stands
        _log.exception("refusal_not_recorded", request_id=request.state.request_id, code=error.code)


def _is_recorded(request: Request, error: errors.VestibuleError, caller: Identity | None) -> bool:
    if isinstance(error, errors.SignInRefused):
        return True
    if isinstance(error, errors.ProvisioningFailed):
        return True  # whoever runs the place has to know
    if isinstance(error, errors.LimitReached):
        return False  # whoever asks too often would be written down as often
    looks = request.method in {"GET", "HEAD"}
    if isinstance(error, errors.PasswordChangeRequired) and looks:
        return False  # an app asks who somebody is for each of its parts
    return caller is not None or not (looks or isinstance(error, (*_UNTOLD, errors.Unprocessable)))


async def _target(request: Request, people: People) -> UUID | None:
    """Return the account that was asked about, if there is one: a path names it, or a route that read its body."""
    places = {"id": getattr(request.state, "about", ""), **request.path_params}
    found: list[str | UUID | None] = [str(places[place]) for place in _BY_NAME if place in places]
    found += [as_id(str(places[place])) for place in _BY_ID if place in places]
    named = next((name for name in found if name), None)
    if named is None:
        return None
    try:
        return (await people.one(named, gone=True)).id
    except errors.UserNotFound:
        return None
