"""A session used by another browser than it was opened by: told once, and the end of an administrator's cookie."""

from typing import Final

import httpx
import pytest

from tests.application import Application
from tests.factories import PASSWORD, People, Person

WHO, VERIFY, REFRESH, LOGIN = "/api/auth/whoami", "/api/v1/auth/verify", "/api/v1/auth/refresh", "/api/v1/auth/login"
FIREFOX: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
FIREFOX_LATER: Final = FIREFOX.replace("140", "141")
CHROME: Final = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
CURL: Final = "curl/8.5.0"
CHANGED: Final = "session_agent_changed"


class Home:
    """Somebody's session of the form's sign-in: a cookie, an access token and a refresh token, opened by Firefox."""

    def __init__(self, client: httpx.AsyncClient, given: httpx.Response) -> None:
        body = given.json()
        self._client, self.cookie = client, {"Cookie": f"session_id={given.cookies['session_id']}"}
        self.token, self.refresh_token = {"Authorization": f"Bearer {body['access_token']}"}, body["refresh_token"]

    async def ask(self, credential: dict[str, str], agent: str | None, path: str = WHO) -> str:
        answer = await self._client.get(path, headers={**credential, **({"User-Agent": agent} if agent else {})})
        return "fine" if answer.status_code == 200 else str(answer.json()["error_code"])

    async def refresh(self, agent: str) -> httpx.Response:
        return await self._client.post(
            REFRESH, json={"refresh_token": self.refresh_token}, headers={"User-Agent": agent}
        )


async def _at_home(running: Application, person: Person) -> Home:
    client = running.browser(**{"User-Agent": FIREFOX})
    given = await client.post(LOGIN, data={"username": person.username, "password": PASSWORD})
    assert given.status_code == 200, given.text
    client.cookies.clear()
    return Home(client, given)


@pytest.mark.parametrize("path", [WHO, VERIFY])
async def test_an_administrators_cookie_stays_in_its_browser(running: Application, people: People, path: str) -> None:
    admin = await people.admin()
    home = await _at_home(running, admin)
    before = [await home.ask(home.cookie, agent, path) for agent in (FIREFOX, FIREFOX_LATER, FIREFOX)]
    stolen = await home.ask(home.cookie, CHROME, path)
    after = [await home.ask(credential, FIREFOX, path) for credential in (home.cookie, home.token)]
    (event,) = await people.audit(CHANGED, about=admin)

    assert before == ["fine"] * 3
    assert (stolen, after) == ("SESSION_REVOKED", ["SESSION_REVOKED"] * 2)
    assert (event.details["opened_by"], event.details["used_by"]) == ("Firefox on Linux", "Chrome on Windows")
    assert [end.reason for end in await people.audit("session_ended", about=admin)] == ["agent_change"]


async def test_an_administrators_refresh_token_stays_on_its_device(running: Application, people: People) -> None:
    admin = await people.admin()
    home = await _at_home(running, admin)
    stolen = await home.refresh(CURL)

    assert (stolen.status_code, await home.ask(home.token, FIREFOX)) == (401, "SESSION_REVOKED")
    assert (await home.refresh(FIREFOX)).status_code == 401


async def test_an_access_token_is_made_to_be_shown_by_others(running: Application, people: People) -> None:
    admin = await people.admin()
    home = await _at_home(running, admin)
    agents = (CURL, CHROME, CURL, "curl/9.0.0", CHROME, FIREFOX)
    told = [await home.ask(home.token, agent) for agent in agents]
    events = await people.audit(CHANGED, about=admin)

    assert told == ["fine"] * 6
    assert [event.details["used_by"] for event in events] == ["curl", "Chrome on Windows"]
    assert await home.ask(home.cookie, FIREFOX) == "fine"


async def test_it_is_told_once_whatever_is_forgotten_meanwhile(running: Application, people: People) -> None:
    person = await people.active()
    home = await _at_home(running, person)
    for _ in range(3):
        assert await home.ask(home.token, CURL) == "fine"
        running.context.cache.clear()  # as news from another process does

    assert len(await people.audit(CHANGED, about=person)) == 1


@pytest.mark.settings(admin_sessions_pinned=False)
async def test_where_sessions_are_not_pinned_it_is_only_told(running: Application, people: People) -> None:
    admin = await people.admin()
    home = await _at_home(running, admin)
    told = [await home.ask(home.cookie, agent) for agent in (CHROME, CURL, CHROME, FIREFOX)]
    refreshed = await home.refresh(CHROME)

    assert (told, refreshed.status_code) == (["fine"] * 4, 200)
    assert len(await people.audit(CHANGED, about=admin)) == 2
    assert await people.audit("session_ended", about=admin) == []


async def test_other_peoples_sessions_travel(running: Application, people: People) -> None:
    person = await people.active()
    home = await _at_home(running, person)
    told = [await home.ask(home.cookie, agent) for agent in (CHROME, CURL, CHROME, FIREFOX, CHROME)]
    refreshed = await home.refresh(CURL)

    assert (told, refreshed.status_code) == (["fine"] * 5, 200)
    assert len(await people.audit(CHANGED, about=person)) == 2


async def test_somebody_promoted_is_an_administrator_here_too(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    home = await _at_home(running, person)
    before = await home.ask(home.cookie, CHROME)
    await admin.post(f"/api/auth/admin/users/{person.id}/promote")

    assert (before, await home.ask(home.cookie, CHROME)) == ("fine", "SESSION_REVOKED")


async def test_to_name_no_program_is_to_be_another_one(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    theirs, hers = await _at_home(running, admin), await _at_home(running, person)
    nameless = {"User-Agent": ""}

    assert await theirs.ask({**theirs.cookie, **nameless}, None) == "SESSION_REVOKED"
    assert await hers.ask({**hers.cookie, **nameless}, None) == "fine"
    assert len(await people.audit(CHANGED)) == 2
