"""Who may do what: everybody in every state against every route. A new route without a row fails."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from uuid import uuid4

import httpx
import pytest

from backend.services import unit_of_work
from backend.tokens import Claims
from tests.application import Application
from tests.factories import PASSWORD, People, Person
from tests.security.routes import Route, at, routes

PUBLIC: Final = frozenset(
    {
        *(
            (method, path)
            for path in ("/login", "/register", "/forgot-password", "/reset-password", "/verify", "/verify/again")
            for method in ("GET", "POST")
        ),
        *(("GET", "/invitation"), ("POST", "/invitation"), ("POST", "/invitation/decline")),  # the code is the key
        *(
            ("GET", path)
            for path in ("/", "/registered", "/health/live", "/health/ready", "/.well-known/jwks.json", "/metrics")
        ),
        *(("GET", path) for path in ("/docs", "/docs/{asset}", "/openapi.json", "/api/auth/config")),
        *(("POST", f"/api/auth/{name}") for name in ("register", "login", "jwt/login", "forgot-password")),
        *(("POST", f"/api/auth/{name}") for name in ("reset-password", "request-verify-token", "verify")),
        *(("POST", f"/api/v1/auth/{name}") for name in ("register", "login", "refresh")),
        *(("POST", f"/api/v1/organizations/invitations/{word}") for word in ("look", "decline")),
        ("GET", "/api/v1/auth/check-auth"),
        *(("POST", f"/api/v1/users{rest}") for rest in ("", "/register", "/signin")),
        *(("POST", f"/api/v1/users/reset-password/{word}") for word in ("request", "confirm")),
        ("GET", "/api/v1/users/{user}"),
        ("POST", "/waiting/leave"),
        ("POST", "/password-strength"),
        ("GET", "/waiting"),  # by a cookie that shows one's own status and opens nothing
        *((method, f"/waiting/{word}") for word in ("amend", "again", "withdraw") for method in ("GET", "POST")),
    }
)
"""Routes that answer without an account. `/metrics` looks at the address, `/waiting` at a cookie of its own."""

USERS: Final = frozenset(
    {
        *(("GET", path) for path in ("/account", "/account/awake", "/account/password", "/api/auth/whoami")),
        *(("GET", path) for path in ("/devices", "/devices/end-others")),
        *((method, f"/account/{name}") for name in ("edit", "deactivate") for method in ("GET", "POST")),
        ("POST", "/account/confirm-email"),
        *(("POST", path) for path in ("/devices/{id}/end", "/devices/end-others")),
        *((method, "/organizations") for method in ("GET", "POST")),
        *(("GET", f"/organizations/{{id}}{rest}") for rest in ("", "/invitations", "/members/{member}")),
        *(("GET", f"/organizations/{{id}}/{word}") for word in ("rename", "leave", "delete")),
        *(("POST", f"/organizations/{{id}}/{word}") for word in ("rename", "leave", "delete")),
        *((method, "/organizations/{id}/members/{member}/{action}") for method in ("GET", "POST")),
        *(("GET", f"/organizations/{{id}}/invitations/{{invitation}}/{word}") for word in ("revoke", "{action}")),
        *(("POST", f"/organizations/{{id}}/invitations/{{invitation}}/{word}") for word in ("again", "link", "revoke")),
        *(("POST", path) for path in ("/organizations/{id}/invitations", "/invitation/accept")),
        *(("POST", f"/invitations/{{id}}/{word}") for word in ("accept", "decline")),
        *(("GET", f"/api/v1/auth/{name}") for name in ("verify", "sessions", "users/me")),
        *(("PUT", f"/api/v1/auth/users/me{name}") for name in ("", "/password")),
        ("DELETE", "/api/v1/auth/sessions/{id}"),
        ("GET", "/api/v1/users/me/export"),
        *((method, "/api/v1/users/me") for method in ("GET", "PATCH", "DELETE")),
        ("POST", "/api/v1/users/me/change-password"),
        ("POST", "/api/v1/auth/logout"),
        *((method, "/api/v1/organizations") for method in ("GET", "POST")),
        *((method, "/api/v1/organizations/{id}") for method in ("GET", "PATCH", "DELETE")),
        *((method, "/api/v1/organizations/{id}/invitations") for method in ("GET", "POST")),
        *((method, "/api/v1/organizations/{id}/members/{user_id}") for method in ("PATCH", "DELETE")),
        ("GET", "/api/v1/organizations/{id}/members"),
        *(("POST", f"/api/v1/organizations/{{id}}/{word}") for word in ("leave", "transfer")),
        ("POST", "/api/v1/organizations/invitations/accept"),
        ("DELETE", "/api/v1/organizations/{id}/invitations/{invitation_id}"),
        *(("POST", f"/api/v1/organizations/{{id}}/invitations/{{invitation_id}}/{word}") for word in ("link", "again")),
        *(
            ("POST", path)
            for path in ("/account/password", "/logout", "/api/auth/jwt/logout", "/api/auth/change-password")
        ),
    }
)
BY_BODY: Final = frozenset(
    {
        *(("POST", f"/api/v1/users/{name}") for name in ("info", "sessions", "signout", "signout-sessions")),
        ("POST", "/api/v1/auth/refresh-csrf"),
    }
)
"""Routes that a Bearer token opens to nobody: their credential stands in the body, or is a cookie."""
APPROVERS: Final = frozenset(
    {
        *(("GET", path) for path in ("/approvals", "/api/auth/admin/pending-approvals")),
        *((method, "/approvals/bulk") for method in ("GET", "POST")),
        *(("POST", f"/approvals/{{id}}/{word}") for word in ("approve", "reject", "reopen")),
        ("POST", "/api/auth/admin/users/{id}/approve"),
    }
)
ADMINS: Final = frozenset(
    {
        *(("GET", path) for path in ("/users", "/users/{id}", "/users/{id}/{action}", "/api/auth/admin/stats")),
        ("GET", "/overview"),
        *(("POST", path) for path in ("/users/{id}/{action}", "/api/auth/admin/reset-user-password")),
        *((method, f"/users/{name}") for name in ("new", "bulk", "import", "{id}/edit") for method in ("GET", "POST")),
        *((method, "/api/auth/admin/users") for method in ("GET", "POST")),
        *((method, "/api/auth/admin/users/{id}") for method in ("PUT", "DELETE")),
        *(("POST", f"/api/auth/admin/users/{{id}}/{word}") for word in ("promote", "demote")),
        *(("GET", path) for path in ("/messages", "/messages/{id}/{action}", "/api/v1/messages")),
        ("POST", "/api/v1/messages"),
        *(("GET", path) for path in ("/statistics", "/statistics/{chart}.csv")),
        *(("GET", path) for path in ("/audit", "/api/v1/audit", "/api/v1/audit/export")),
        *(("GET", f"/api/v1/statistics{rest}") for rest in ("", "/{chart}")),
        *(("POST", f"/messages/{{id}}/{word}") for word in ("again", "link")),
        *(("POST", f"/api/v1/messages/{{id:account_id}}/{word}") for word in ("again", "link")),
        ("GET", "/organizations/all"),
        *((method, path) for path in ("/tiers", "/users/{id}/tier") for method in ("GET", "POST")),
        *(("GET", f"/tiers/{{name}}{rest}") for rest in ("", "/rename", "/limits", "/move", "/{action}")),
        *(("POST", f"/tiers/{{name}}/{word}") for word in ("rename", "limits", "{action}")),
        *((method, "/tiers/{name}/limits/{limit}") for method in ("GET", "POST")),
        *((method, "/tiers/{name}/limits/{limit}/delete") for method in ("GET", "POST")),
        *(("GET", "/api/v1/users/export"), ("POST", "/api/v1/users/import")),
        *((method, "/api/v1/tiers") for method in ("GET", "POST")),
        *((method, "/api/v1/tiers/{name}") for method in ("GET", "PATCH", "DELETE")),
        *((method, "/api/v1/tiers/{name}/rate-limits") for method in ("GET", "POST")),
        *((method, "/api/v1/tiers/{name}/rate-limits/{id}") for method in ("GET", "PATCH", "DELETE")),
        *((method, "/api/v1/users/{user}/tier") for method in ("GET", "PATCH")),  # of others
        ("GET", "/api/v1/users/{user}/rate-limits"),  # of others
        *(("GET", f"/api/v1/users{rest}") for rest in ("", "/stats", "/active-and-inactive/{username}")),
        *((method, "/api/v1/users/{id:account_id}") for method in ("GET", "PATCH", "DELETE")),
        *(("POST", "/api/v1/users/bulk"), ("DELETE", "/api/v1/users/db/{username}")),
        *((method, "/api/v1/users/{user}") for method in ("PATCH", "DELETE")),  # of others
    }
)
RIGHTS: Final[Mapping[str, frozenset[Route]]] = {
    "anonymous": frozenset(),
    "pending": frozenset(),
    "rejected": frozenset(),
    "suspended": frozenset(),
    "deleted": frozenset(),
    "ex-admin": USERS,
    "user": USERS,
    "approver": USERS | APPROVERS,
    "admin": USERS | APPROVERS | ADMINS,
}

pytestmark = pytest.mark.settings(rate_limits=False)


async def _everybody(running: Application, people: People) -> dict[str, Person | None]:
    """Somebody of every kind, with the token they have or had."""
    admin, former, gone = await people.admin(), await people.admin(), await people.active()
    async with unit_of_work(running.context) as services:
        await services.roles.demote(None, former.id)
        await services.deletion.delete(None, gone.id)
    user, waiting, rejected = await people.active(), await people.pending(), await people.rejected()
    waiting.token = running.context.signer.sign(_claims(running, waiting))
    rejected.token = running.context.signer.sign(_claims(running, rejected, user.token))
    everybody: dict[str, Person | None] = {"anonymous": None, "admin": admin, "ex-admin": former, "deleted": gone}
    everybody |= {"pending": waiting, "rejected": rejected, "suspended": await people.suspended()}
    return everybody | {"user": user, "approver": await people.approver()}


def _claims(running: Application, person: Person, of: str | None = None) -> Claims:
    now = running.clock.now()
    session = running.context.signer.read(of, now).session_id if of else uuid4()
    return Claims(person.id, session, now, now + timedelta(hours=1))


async def _asked(running: Application, route: Route, person: Person | None) -> httpx.Response:
    method, path = route
    headers = person.bearer if person else {}
    nobody = uuid4()  # every act is on nobody, so that asking changes nothing
    body = {"approved": True, "user_id": str(nobody), "reason": ""}
    if route in BY_BODY:
        body = {"session": person.token if person and person.token else "none", "ids": ""}
    if path in {"/api/v1/auth/logout", "/api/v1/users/me", "/api/v1/users/{user}"}:
        body = {}
    if path.startswith("/api/"):
        given = {"json": body if method != "GET" else None}
        return await running.browser().request(method, at(path, nobody), headers=headers, **given)  # type: ignore[arg-type]
    return await running.browser().request(
        method, at(path, nobody), headers=headers, data={"reason": ""} if method == "POST" else None
    )


async def _let_in(running: Application, answer: httpx.Response, person: Person | None) -> bool:
    """Whether somebody was let in; a page sends back to where one came from, which then tells."""
    if answer.status_code != 303:
        return answer.status_code not in {401, 403}
    there = answer.headers["location"]
    if there.startswith("/login"):
        return "signed_out" in there
    headers = person.bearer if person else {}
    return (await running.browser().get(there, headers=headers)).status_code != 403


def test_every_route_has_a_row(running: Application) -> None:
    assert routes(running.app) == PUBLIC | USERS | BY_BODY | APPROVERS | ADMINS


async def test_everybody_may_do_what_their_row_says_and_nothing_else(running: Application, people: People) -> None:
    everybody, wrong = await _everybody(running, people), []
    leaving = {("POST", "/logout"), ("POST", "/api/auth/jwt/logout"), ("POST", "/api/v1/auth/logout")}
    for who, person in everybody.items():
        for route in sorted(USERS | BY_BODY | APPROVERS | ADMINS, key=lambda route: route in leaving):
            if person and route in leaving and route in RIGHTS[who]:
                await people.signed_in(person)
            answer = await _asked(running, route, person)
            let_in = await _let_in(running, answer, person)
            if let_in is not (route in RIGHTS[who]) or answer.status_code >= 500:
                wrong.append((who, route, answer.status_code, answer.headers.get("location")))

    assert everybody.keys() == RIGHTS.keys()
    assert wrong == []


async def test_no_door_lets_in_who_may_not_come_in(running: Application, people: People) -> None:
    everybody, client = await _everybody(running, people), running.client
    for who in ("pending", "rejected", "suspended", "deleted"):
        person = everybody[who]
        assert person
        for name in (person.username, person.email):
            answers = [
                await client.post("/api/auth/login", json={"username_or_email": name, "password": PASSWORD}),
                await client.post("/api/auth/jwt/login", data={"username": name, "password": PASSWORD}),
                await running.browser().post("/login", data={"username_or_email": name, "password": PASSWORD}),
            ]
            assert not any("access_token" in answer.text or "session_id" in answer.cookies for answer in answers), who
            assert {answer.status_code for answer in answers[:2]} <= {400, 401, 403}, who


async def test_a_stranger_learns_nothing_about_ids(running: Application, people: People) -> None:
    user, other = await people.active(), await people.active()
    for method, path in sorted(APPROVERS | ADMINS):
        if "{id}" in path and path.startswith("/api/"):
            answers = [
                await user.client.request(method, at(path, id_), json={"approved": True}, headers=user.bearer)
                for id_ in (other.id, uuid4(), "no-id")
            ]
            assert {(answer.status_code, answer.json()["error_code"]) for answer in answers} == {
                (403, "ADMIN_REQUIRED")
            }


async def test_there_is_no_public_list_of_users(client: httpx.AsyncClient) -> None:
    for path in ("/debug/list_users", "/api/auth/users", "/users.json", "/api/auth/admin", "/.env", "/graph_data"):
        assert (await client.get(path)).status_code == 404
