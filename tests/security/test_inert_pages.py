"""Whatever people type, pages show it as text: parsed as a browser would, nothing of it is markup."""

# ruff: noqa: RUF001  # letters that look like others are what this is about

from html.parser import HTMLParser
from typing import Final
from urllib.parse import quote, urlencode

import httpx
import pytest

from backend.services import unit_of_work
from backend.services.registration import Registration
from tests.application import Application
from tests.factories import PASSWORD, People

pytestmark = pytest.mark.settings(rate_limits=False)

VECTORS: Final = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</textarea><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "{{ 7*7 }}{% raw %}",
    "&lt;b&gt;&#60;i&#62;",
    "<!--><a href=//evil.example>",
    "]]><x:y xmlns:x='z'>",
    "\u003cb\u003e＜i＞",
    "{name.__class__}",
    "<bdi></bdi><style>@import'//evil'</style>",
]
ALLOWED_SCRIPTS: Final = ("/static/vestibule.js", "/docs/", "/static/docs.js")


class Page(HTMLParser):
    """A page as a browser understands it: its elements, their attributes and its text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data

    def active(self) -> list[str]:
        """Everything that could act: scripts not ours, handlers, foreign addresses, inline style."""
        found = []
        for tag, attributes in self.elements:
            if tag == "script" and not attributes.get("src", "").startswith(ALLOWED_SCRIPTS):
                found.append(f"<script> {attributes}")
            found += [f"<{tag} {name}>" for name in attributes if name.startswith("on") or name in {"style", "srcdoc"}]
            for name in ("href", "src", "action", "formaction"):
                address = attributes.get(name, "/")
                if not address.startswith(("/", "#")) or address.startswith("//"):
                    found.append(f"<{tag} {name}={address}>")
        return found + [tag for tag, _ in self.elements if tag in {"style", "iframe", "object", "embed", "base", "img"}]


@pytest.mark.parametrize(
    "vector", [VECTORS[0], "".join(VECTORS[1:4]), "".join(VECTORS[4:7])], ids=["script", "quotes", "templates"]
)
async def test_what_people_write_is_text_on_every_page(running: Application, people: People, vector: str) -> None:
    admin, browser = await people.admin(), running.browser()
    texts = {"full_name": vector, "institution": vector, "approval_note": f"{vector}\n{vector}" * 10}
    person, rejected = await people.pending(**texts), await people.pending(**texts)
    async with unit_of_work(running.context) as services:
        await services.decisions.reject(rejected.id, by=admin.id, reason=vector)
        tier = await services.tiers.create(admin.id, vector.replace("/", "")[:60])
    organization = (await admin.post("/api/v1/organizations", {"name": vector})).json()["data"]["id"]
    agent = vector.encode("ascii", "replace").decode()
    await browser.post("/login", data={"username_or_email": admin.username, "password": PASSWORD})
    applicant = running.browser(**{"User-Agent": agent})
    await applicant.post("/login", data={"username_or_email": rejected.username, "password": PASSWORD})
    chosen = f"/users/bulk?operation=delete&chosen={person.id}&chosen={rejected.id}"
    acts = [f"/users/{person.id}/{word}" for word in ("delete", "edit", "anonymize")]
    ledger = ("/messages", f"/messages?user={person.id}", "/audit", f"/audit?target={rejected.id}")
    found = (*ledger, "/users/new", "/users/import", f"/users?{urlencode({'query': vector})}", chosen)
    one, other = f"/organizations/{organization}", f"/tiers/{quote(tier.name, safe='')}"
    asked = [f"{one}/{rest}" for rest in ("delete", "rename", "leave", f"members/{admin.id}")]
    groups = ("/organizations", "/organizations/all", one, *asked)
    tiers = ("/tiers", other, f"{other}/delete", f"{other}/rename")
    requests = (f"/approvals?{urlencode({'query': vector})}", f"/approvals/bulk?operation=reject&chosen={person.id}")
    both = ("/approvals", *requests, "/users", f"/users/{person.id}", f"/users/{rejected.id}")
    paths = (*both, *acts, *found, *groups, *tiers)
    shown = {path: await browser.get(path) for path in paths}
    shown |= {path: await applicant.get(path) for path in ("/waiting", "/waiting/again")}
    await applicant.post("/login", data={"username_or_email": person.username, "password": PASSWORD})
    shown |= {path: await applicant.get(path) for path in ("/waiting/amend", "/waiting/withdraw")}
    pages = {path: Page(answer.text) for path, answer in shown.items()}
    typed = await browser.get(
        "/audit", params=dict.fromkeys(("action", "actor", "target", "ip_address", "from"), vector)
    )

    assert {answer.status_code for answer in shown.values()} == {200}
    assert {path: page.active() for path, page in pages.items() if page.active()} == {}
    assert vector in pages["/approvals"].text
    assert all(vector in pages[path].text for path in ("/waiting", "/waiting/again", "/waiting/withdraw"))
    assert vector in pages["/audit"].text
    assert (typed.status_code, Page(typed.text).active()) == (422, [])
    assert vector in pages[f"{one}/delete"].text


async def test_what_strangers_type_comes_back_as_text(running: Application, people: People) -> None:
    await people.admin()
    for vector in VECTORS:
        for answer in await _typed(running.client, vector):
            assert answer.status_code < 500
            assert Page(answer.text).active() == []
            assert vector not in str(answer.headers)


async def _typed(client: httpx.AsyncClient, vector: str) -> list[httpx.Response]:
    """Whatever takes text from a stranger, given this one."""
    return [
        await client.post("/login", data={"username_or_email": vector, "password": vector, "next": vector}),
        await client.post(
            "/register", data={"username": vector, "email": vector, "password": "x", "full_name": vector}
        ),
        await client.post("/reset-password", data={"token": vector, "password": PASSWORD}),
        await client.post("/verify", data={"token": vector}),
        await client.post("/forgot-password", data={"email": vector}),
        await client.post("/verify/again", data={"email": vector}),
        await client.post("/invitation", data={"token": vector}),
        await client.get("/messages", params={"state": vector, "user": vector, "purpose": vector}),
        await client.get("/login", params={"next": vector, "why": vector}),
        await client.get(f"/{vector.replace('/', '')}"),
        await client.get("/login", headers={b"Cookie": f"notice={vector}".encode(), b"X-Request-ID": vector.encode()}),
    ]


async def test_a_notice_shows_names_as_text(running: Application, people: People) -> None:
    admin, browser = await people.admin(), running.browser()
    await browser.post("/login", data={"username_or_email": admin.username, "password": PASSWORD})
    person = await people.pending(full_name="<b onclick=x>{0.__class__}</b>")
    data = {"csrf_token": browser.cookies["csrf_token"]}
    decided = await browser.post(f"/approvals/{person.id}/approve", data=data)
    shown = Page((await browser.get(decided.headers["location"])).text)

    assert shown.active() == []
    assert "<b onclick=x>{0.__class__}</b> was approved." in shown.text


async def test_mails_are_plain_text_with_one_recipient_and_links_of_the_settings(
    running: Application, people: People
) -> None:
    async with unit_of_work(running.context) as services:
        values = Registration("mallory", "mallory@example.org", PASSWORD, full_name="Evil https://evil.example")
        await services.admission.add_by_admin(values, admin=None)
    for headers in ({"Host": "evil.example"}, {"X-Forwarded-Host": "evil.example"}, {"Host": "a/?x="}):
        body = {"email": "mallory@example.org"}
        await running.client.post("/api/auth/forgot-password", json=body, headers=headers)
        await running.mails()  # or one mail would answer all three
    mails = await running.mails()

    assert len(mails) == 3
    assert {mail.to for mail in mails} == {"mallory@example.org"}
    assert all("http://127.0.0.1:8000/reset-password#token=" in mail.body for mail in mails)
    assert all("\n" not in mail.subject and "\r" not in mail.subject for mail in mails)
    assert not any("//evil.example" in mail.body.replace("Evil https://evil.example", "") for mail in mails)
