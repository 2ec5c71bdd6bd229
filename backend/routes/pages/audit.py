"""The audit: who did what to whom, when, from where and why."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, zip_longest
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import ConfigDict, ValidationError

from backend.models import AuditEvent
from backend.routes.audit_filters import Filters
from backend.routes.deps import CurrentAdmin, Look
from backend.routes.pages.forms import Form
from backend.routes.pages.history import SENTENCES, Told, tell
from backend.routes.pages.rendering import at_the_desk, page
from backend.services import audit_export
from backend.services.audit import Action
from backend.services.audit_trail import GROUPS, By, Group, Search, Trail, TrailRecord

router = APIRouter(include_in_schema=False)

_HERE: Final = "/audit"
_PER_PAGE: Final = 50
_AT_ONCE: Final = timedelta(seconds=1)
_GROUPS: Final[Mapping[Group, str]] = {
    Group.REFUSALS: "Refusals",
    Group.SIGN_INS: "Sign-ins",
    Group.SESSIONS: "Sessions",
    Group.PASSWORDS: "Passwords",
    Group.REQUESTS: "Requests",
    Group.ACCOUNTS: "Accounts",
    Group.ROLES: "Roles",
    Group.ORGANIZATIONS: "Organizations",
    Group.INVITATIONS: "Invitations",
    Group.TIERS: "Tiers",
    Group.MAILS: "Mail",
    Group.EXPORTS: "Exports",
}
_HOMES: Final = {Action.SIGNIN_FAILED: Group.SIGN_INS}
"""Where an action is listed that stands in several groups."""
_BY: Final[Mapping[By, str]] = {
    By.NOBODY: "Not signed in",
    By.COMMAND_LINE: "Command line",
    By.SERVICE: "Vestibule itself",
}
"""Who acted, where it was no account."""
_WRONG: Final[Mapping[str, str]] = {
    "action": "Choose an action from the list.",
    "actor": "No account has this username, email address or ID.",
    "target": "No account has this username, email address or ID.",
    "ip_address": "Enter a network address, for example 203.0.113.7 or 2001:db8::7.",
    "from": "Enter the day as year-month-day, for example 2031-05-17.",
    "until": "Enter the day as year-month-day, for example 2031-05-17.",
}


_DAYS: Final = {"from", "until"}
"""Fields that a browser shows empty where their value is no day."""


class AuditSearch(Filters):
    """The filters of the page, which are its address as well."""

    model_config = ConfigDict(extra="ignore")

    cursor: str | None = None

    @property
    def asked(self) -> str:
        """What is filtered, as a query."""
        given = self.model_dump(exclude={"cursor"}, exclude_none=True, by_alias=True, mode="json")
        return urlencode(given, quote_via=quote)

    @property
    def address(self) -> str:
        """The first page of this list."""
        return f"{_HERE}?{self.asked}" if self.asked else _HERE


@dataclass(frozen=True)
class Asked:
    """What is looked for, and the filters as they were typed; nothing is looked for where one makes no sense."""

    filters: AuditSearch
    search: Search | None
    form: Form


@dataclass(frozen=True)
class Somebody:
    """Who acted, or whom it is about; an account without a name is not known any more."""

    id: UUID
    name: str | None


@dataclass(frozen=True)
class Row:
    """Records that follow each other and tell the same."""

    told: Told
    actor: Somebody | None
    by: str
    """Who acted, where it was no account."""
    target: Somebody | None
    details: Sequence[tuple[str, str]]
    moments: Sequence[tuple[datetime, str | None]]
    """When, the newest first, and in which request."""
    address: str | None


async def read_filters(request: Request, caller: CurrentAdmin, look: Look) -> Asked:
    """Read the filters from the address; what makes no sense is told beside its field."""
    values = {name: value for name, value in request.query_params.items() if value}
    try:
        filters, wrong = AuditSearch.model_validate(values), set[str]()
    except ValidationError as error:
        wrong = {str(item["loc"][0]) for item in error.errors()}
        filters = AuditSearch.model_validate({name: value for name, value in values.items() if name not in wrong})
    names = {"actor": filters.actor, "target": filters.target}
    wrong |= {field for field, who in names.items() if who and await look.audit_trail.somebody(who) is None}
    shown = {name: value for name, value in values.items() if name not in wrong & _DAYS}
    form = Form(shown, {name: sentence for name, sentence in _WRONG.items() if name in wrong})
    return Asked(filters, None if wrong else await filters.search(look.audit_trail), form)


@router.get(_HERE)
async def show_audit(
    request: Request, caller: CurrentAdmin, look: Look, asked: Annotated[Asked, Depends(read_filters)]
) -> Response:
    """Show records, the newest first: all of them, or those that were asked for."""
    search, filters = asked.search, asked.filters
    found = await look.audit_trail.page(search, filters.cursor, _PER_PAGE) if search else Trail([], None, None)
    return page(
        request,
        "audit.html",
        status=200 if search else 422,
        rows=rows(found.records),
        trail=found,
        search=filters,
        people=await _people(look, search),
        actions=_choices(),
        form=asked.form,
        most=audit_export.MOST,
        **await at_the_desk(look, "audit"),
    )


@dataclass(frozen=True)
class _Line:
    """A record with its details; a sign-in has those of the session that it started."""

    record: TrailRecord
    details: Mapping[str, Any]


def rows(records: Sequence[TrailRecord]) -> list[Row]:
    """Put records into words; those that follow each other and tell the same become one row."""
    return [_row(list(alike)) for _, alike in groupby(_lines(records), key=_sameness)]


def _lines(records: Sequence[TrailRecord]) -> Iterator[_Line]:
    started: Mapping[str, Any] = {}
    for record, before in zip_longest(records, records[1:]):
        if before and _starts(before.event, record.event):
            started = record.event.details
            continue
        yield _Line(record, {**record.event.details, **started})
        started = {}


def _starts(sign_in: AuditEvent, session: AuditEvent) -> bool:
    """Tell whether a session was started by a sign-in: both are recorded at once."""
    return (
        (sign_in.action, session.action) == (Action.SIGNIN_SUCCEEDED, Action.SESSION_OPENED)
        and (sign_in.target_id, sign_in.request_id) == (session.target_id, session.request_id)
        and session.at - sign_in.at < _AT_ONCE
    )


def _row(alike: Sequence[_Line]) -> Row:
    record = alike[0].record
    event = record.event
    told = tell(event)
    return Row(
        told=told,
        actor=Somebody(event.actor_id, record.actor) if event.actor_id else None,
        by=_BY.get(record.by, ""),
        target=Somebody(event.target_id, record.target) if event.target_id else None,
        details=[("action", event.action), *_details(alike[0], told)],
        moments=[(one.record.event.at, one.record.event.request_id) for one in alike],
        address=event.ip_address,
    )


def _details(line: _Line, told: Told) -> list[tuple[str, str]]:
    """Return what a record holds, as it is kept; its reason only where that was put into other words."""
    reason = line.record.event.reason
    coded = [("reason", reason)] if reason and reason != told.reason else []
    return [*coded, *((name, _text(value)) for name, value in line.details.items())]


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _sameness(line: _Line) -> tuple[Any, ...]:
    event = line.record.event
    about = (event.action, event.actor_id, event.target_id, event.reason, json.dumps(line.details, sort_keys=True))
    return (*about, event.ip_address, event.user_agent)


async def _people(look: Look, search: Search | None) -> Mapping[str, Somebody]:
    """Return who is looked for, by the name of the filter."""
    asked = {"actor": search.actor, "target": search.target} if search else {}
    ids = [id_ for id_ in asked.values() if id_]
    names = await look.people.users.names(ids)
    return {field: Somebody(id_, names.get(id_)) for field, id_ in asked.items() if id_}


def _choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the actions to choose from, in their groups, each once."""
    home = {action: group for group, actions in GROUPS.items() for action in actions} | _HOMES
    return [
        (name, [(group, f"{name}: all"), *((one, SENTENCES[one]) for one in GROUPS[group] if home[one] is group)])
        for group, name in _GROUPS.items()
    ]
