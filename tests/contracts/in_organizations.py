"""Organizations as their members speak to them: founding one, bringing people in, and what a success holds."""

from typing import Any, Final

import httpx

from tests.factories import Person

HERE: Final = "/api/v1/organizations"
LOOK, ACCEPT, DECLINE = (f"{HERE}/invitations/{word}" for word in ("look", "accept", "decline"))


def held(answer: httpx.Response, status: int = 200) -> Any:
    """What a success holds, once it has the envelope that every success has."""
    body = answer.json()
    assert answer.status_code == status, body
    assert body.keys() - {"next_cursor"} == {"success", "data", "message"}
    assert body["success"] is True
    assert body["message"]
    return body["data"]


def at(organization: str, *rest: object) -> str:
    """Where an organization is, or something of it."""
    return "/".join([HERE, organization, *map(str, rest)])


async def founded(owner: Person, name: str = "Hall") -> str:
    """The id of an organization that somebody has made."""
    return str(held(await owner.post(HERE, {"name": name}), 201)["id"])


async def invited(by: Person, organization: str, **body: object) -> tuple[str, str]:
    """An invitation whose link is handed over: its id, and the token of the link."""
    invitation = held(await by.post(at(organization, "invitations"), body), 201)
    page, _, token = invitation["link"].partition("#token=")
    assert page == "http://127.0.0.1:8000/invitation"
    return str(invitation["id"]), token


async def brought_in(by: Person, organization: str, person: Person, role: str = "member") -> Person:
    """Somebody who came in by a link, as an owner too: those are made so afterwards."""
    _, token = await invited(by, organization, role="member" if role == "owner" else role)
    held(await person.post(ACCEPT, {"token": token}))
    if role == "owner":
        held(await by.patch(at(organization, "members", person.id), {"role": role}))
    return person


async def standing(person: Person) -> dict[str, str]:
    """As what somebody is in which of their organizations, by name."""
    return {one["name"]: one["role"] for one in held(await person.get(HERE))}


async def members(person: Person, organization: str) -> dict[str, str]:
    """Who is in an organization, and as what."""
    found = held(await person.get(at(organization, "members"), params={"items_per_page": 100}))
    return {one["username"]: one["role"] for one in found}
