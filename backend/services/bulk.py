"""One operation on many accounts: each with its own outcome, in small transactions, safe to repeat.

A call goes through its ids in their order, some hundreds to a transaction, so that nobody waits long for the locks and
two calls never deadlock. Under an Idempotency-Key each transaction notes how far it has come:
the same call again goes on from there, and a call that is done gets the answer it had.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from uuid import UUID

from backend.context import Context
from backend.errors import (
    ErasingFailed,
    LastAdmin,
    NotOneself,
    ProvisioningFailed,
    UserNotFound,
    VestibuleError,
)
from backend.identifiers import as_id
from backend.models import Role, Status, User
from backend.services import provisioning
from backend.services.audit import Origin
from backend.services.closing import check_let_in
from backend.services.decisions import check_undecided
from backend.services.lifecycle import check_way
from backend.services.rights import Act
from backend.services.roles import check_can_have
from backend.services.wiring import Services
from backend.services.work import reading, unit_of_work
from backend.tokens import digest

_CHUNK: Final = 250
_BREATH_SECONDS: Final = 0.025
"""SQLite keeps no queue of writers: others get in between two transactions only if there is time between them."""


class Operation(StrEnum):
    """What can be done to many."""

    ACTIVATE = "activate"
    DEACTIVATE = "deactivate"
    DELETE = "delete"
    UPDATE_ROLE = "update_role"
    UPDATE_TIER = "update_tier"
    APPROVE = "approve"
    REJECT = "reject"

    @property
    def act(self) -> Act:
        """What it takes the right to: whoever decides about one applicant decides about many."""
        return Act.DECIDE if self in {Operation.APPROVE, Operation.REJECT} else Act.BULK


@dataclass(frozen=True)
class Call:
    """What is asked: the operation, whom it is about as the caller wrote them, and what belongs to it."""

    operation: Operation
    names: Sequence[str]
    role: Role | None = None
    tier_id: int | None = None
    """Which tier they get; None takes it away."""
    reason: str | None = None
    key: str | None = None

    @property
    def ids(self) -> list[UUID]:
        """The accounts, each once, in the order of their ids."""
        return sorted({id_ for id_ in map(as_id, self.names) if id_})

    @property
    def digest(self) -> str:
        """A digest that tells this call from another one under the same key."""
        about = ",".join(sorted({id_.hex if (id_ := as_id(name)) else name for name in self.names}))
        tier = [str(self.tier_id)] if self.operation is Operation.UPDATE_TIER else []
        return digest("\n".join((self.operation, *tier, self.role or "", self.reason or "", about)))


@dataclass
class Outcome:
    """What became of a call."""

    requested: int
    errors: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Error code and sentence of each account that was left alone."""

    @property
    def failed(self) -> int:
        """How many were left alone."""
        return len(self.errors)

    @property
    def succeeded(self) -> int:
        """How many are now as the caller wanted them."""
        return self.requested - self.failed


async def run(
    context: Context,
    by: UUID | None,
    call: Call,
    origin: Origin,
    *,
    progress: Callable[[int], None] = lambda _: None,
) -> Outcome:
    """Run a call. `by` is who acts; None is the command line. What was done before a refusal stays done.

    Raises:
        AdminRequired: the caller has no right to, or not any more.
        NotOneself: they are among those it is about; nothing was done.
        KeyReused: the key was used for another call; nothing was done.
        TierNotFound: there is no such tier, or not any more.
    """
    ids = call.ids
    if by in ids:
        raise NotOneself("Cannot include yourself in bulk operations")
    unknown = {name for name in call.names if as_id(name) is None}
    outcome = Outcome(len(ids) + len(unknown), {name: _told(UserNotFound()) for name in sorted(unknown)})
    done = 0
    while True:
        if call.operation is Operation.APPROVE:
            await _prepare(context, ids[done : done + _CHUNK])
        async with unit_of_work(context, origin) as services:
            await services.lifecycle.check_rights(by, call.operation.act, oneself=False)
            kept = await services.bulk_calls.lock(by, call.key, call.digest) if by and call.key else None
            if kept:
                done = max(done, kept.done)  # kept for a day only: a call that is older begins no second time
                outcome.errors |= {id_: (code, sentence) for id_, (code, sentence) in kept.errors.items()}
            chunk = ids[done : done + _CHUNK]
            errors = await _treat(services, by, call, chunk)
            done += len(chunk)
            outcome.errors |= errors
            if kept:
                await services.bulk_calls.note(kept, done, outcome.errors)
        progress(len(chunk))
        if done >= len(ids):
            return outcome
        if context.database.embedded:
            await asyncio.sleep(_BREATH_SECONDS)


async def _prepare(context: Context, ids: Sequence[UUID]) -> None:
    """Make directories before any lock is held; what fails here is reported when the account is approved."""
    async with reading(context) as look:
        statuses = await look.users.statuses(ids)
    waiting = [id_ for id_, status in statuses.items() if status is Status.PENDING]
    with contextlib.suppress(ProvisioningFailed, ErasingFailed):
        await provisioning.prepare(context, waiting)


async def _treat(services: Services, by: UUID | None, call: Call, ids: Sequence[UUID]) -> dict[str, tuple[str, str]]:
    given = call.operation is Operation.UPDATE_TIER
    if given and ids:
        await services.tier_holders.check_there(call.tier_id)
    found = await services.lifecycle.accounts(ids, by=by, act=call.operation.act, gone=given)
    found = [user for user in found if user.status is not Status.ANONYMIZED]
    errors = {str(id_): _told(UserNotFound()) for id_ in set(ids) - {user.id for user in found}}
    wanted, admins = [], await services.lifecycle.users.active_admins()
    for user in found:
        try:
            if not _to_do(user, call):
                continue
            if user.is_superuser and user.is_active and not given:
                if admins == 1:
                    raise LastAdmin
                admins -= 1
            wanted.append(user)
        except VestibuleError as error:
            errors[str(user.id)] = _told(error)
    if wanted:
        failed = await _DO[call.operation](services, wanted, by, call)
        errors |= {str(id_): _told(ProvisioningFailed()) for id_ in failed or ()}
    return errors


def _to_do(user: User, call: Call) -> bool:
    """Tell whether an account is to be changed; False if it is as wanted already.

    Raises:
        AlreadyApproved, AlreadyDecided, NotApproved, NotActive, InvalidTransition: it cannot be.
    """
    match call.operation:
        case Operation.APPROVE | Operation.REJECT:
            check_undecided(user, reconsider=False)
        case Operation.ACTIVATE:
            check_let_in(user)
            return not user.is_active
        case Operation.DEACTIVATE:
            if user.status is Status.SUSPENDED:
                return False
            check_way(user, Status.SUSPENDED)
        case Operation.UPDATE_ROLE:
            if user.role is call.role:
                return False
            check_can_have(call.role or Role.USER, active=user.is_active)
        case Operation.UPDATE_TIER:
            return user.tier_id != call.tier_id
    return True


async def _activate(services: Services, users: Sequence[User], by: UUID | None, call: Call) -> None:
    await services.closing.activate_all(users, by=by, reason=call.reason)


async def _deactivate(services: Services, users: Sequence[User], by: UUID | None, call: Call) -> None:
    await services.closing.suspend_all(users, by=by, reason=call.reason)


async def _delete(services: Services, users: Sequence[User], by: UUID | None, call: Call) -> None:
    await services.deletion.delete_all(users, by=by, reason=call.reason, free_names=False)


async def _update_role(services: Services, users: Sequence[User], by: UUID | None, call: Call) -> None:
    await services.roles.give_all(users, call.role or Role.USER, by=by, reason=call.reason)


async def _update_tier(services: Services, users: Sequence[User], by: UUID | None, call: Call) -> None:
    await services.tier_holders.give(users, call.tier_id, by=by, reason=call.reason)


async def _approve(services: Services, users: Sequence[User], by: UUID | None, call: Call) -> Collection[UUID]:
    return await services.decisions.approve_all(users, by=by, reason=call.reason)


async def _reject(services: Services, users: Sequence[User], by: UUID | None, call: Call) -> None:
    await services.decisions.reject_all(users, by=by, reason=call.reason)


_Do = Callable[[Services, Sequence[User], UUID | None, Call], Awaitable[Collection[UUID] | None]]
_DO: Final[Mapping[Operation, _Do]] = {
    Operation.ACTIVATE: _activate,
    Operation.DEACTIVATE: _deactivate,
    Operation.DELETE: _delete,
    Operation.UPDATE_ROLE: _update_role,
    Operation.UPDATE_TIER: _update_tier,
    Operation.APPROVE: _approve,
    Operation.REJECT: _reject,
}


def _told(error: VestibuleError) -> tuple[str, str]:
    return error.code, error.detail
