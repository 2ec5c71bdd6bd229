"""Usernames, email addresses and other texts: what may be typed and what is the same."""

import httpx
import pytest

from tests.contracts.answers import applicant, code
from tests.factories import People

REGISTER = "/api/auth/register"
GOOD_USERNAMES = ["ab", "x" * 32, "a.b", "a_b", "a-b", "A1", "42", "admin", "Jürgen", "Ωmega", "delphi", "del.x"]
GOOD_USERNAMES += ["सुनीता", "สมชาย", "မြွှေး", "தமிழ்", "مُحَمَّد", "g̃ua", "की"]
"""Vowel signs, tones and accents that no letter of its own stands for."""
BAD_USERNAMES = [
    *["", "a", "a" * 33, ".ab", "ab.", "_ab", "ab-", "a b", "a@b", "a/b", "a\u200bb", "a\nb", "ab\n", " ab", "a'b"],
    *["0123456789abcdef0123456789abcdef", "0123456789ABCDEF0123456789ABCDEF", "del_1", "DEL_x", "\uff44el_x"],
    *["me", "ME", "\uff4de", "stats", "bulk", "db", "register", "signin", "signout", "signout-sessions", "info"],
    *["sessions", "reset-password", "active-and-inactive", "export", "import"],
    *["\u0301ab", "1\u0301a", "a.\u0301b", "ab" + "\u0316" * 7, "a\u20ddb"],  # marks without a letter, too many
    *["mi\u0307ra", "mi\u0323\u0307ra", "\u0458\u0307o", "ab\U00016fe4"],  # what draws nothing
    *["a\u034fb", "ab\ufe0f", "a\U000e0100b", "क\u200dष", "ក\u17b4ក", "a\u180bb"],  # what nobody sees
]
GOOD_EMAILS = ["Hannah.M+list@Example.org", "müller@example.org", "o'neil@example.org", "a@bücher.example.org"]
BAD_EMAILS = ["", "hannah", "hannah@", "@example.org", "a b@example.org", "a@b@example.org", "a@example..org"]
TOO_LONG: dict[str, str] = {"approval_note": "x" * 2001, "institution": "x" * 201, "full_name": "x" * 101}


async def _tell(client: httpx.AsyncClient, number: int, **changes: object) -> httpx.Response:
    names = {"username": f"person{number}", "email": f"person{number}@example.org"}
    return await client.post(REGISTER, json=applicant(**{**names, **changes}))


async def test_usernames_that_keep_the_rule(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    answers = [await _tell(client, n, username=name) for n, name in enumerate(GOOD_USERNAMES)]
    assert [answer.json().get("username") for answer in answers] == GOOD_USERNAMES


async def test_usernames_that_break_the_rule(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    answers = {name: await _tell(client, n, username=name) for n, name in enumerate(BAD_USERNAMES)}
    assert [name for name, answer in answers.items() if code(answer) != (422, "VALIDATION_ERROR")] == []


async def test_emails_that_can_be(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    answers = [await _tell(client, n, email=email) for n, email in enumerate(GOOD_EMAILS)]
    assert [answer.status_code for answer in answers] == [201] * len(GOOD_EMAILS)
    assert answers[0].json()["email"].startswith("Hannah.M+list@")


async def test_an_email_is_kept_as_typed_and_its_domain_in_its_normal_form(
    client: httpx.AsyncClient, people: People
) -> None:
    await people.admin()
    kept = {
        "Hannah.M+List@EXAMPLE.org": "Hannah.M+List@example.org",
        "Jürgen@BÜCHER.example": "Jürgen@bücher.example",
        "Finn@xn--bcher-kva.example": "Finn@bücher.example",
    }
    answers = [await _tell(client, n, email=email) for n, email in enumerate(kept)]
    assert [answer.json()["email"] for answer in answers] == list(kept.values())


async def test_emails_that_cannot_be(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    answers = {email: await _tell(client, n, email=email) for n, email in enumerate(BAD_EMAILS)}
    assert [email for email, answer in answers.items() if code(answer) != (422, "VALIDATION_ERROR")] == []


@pytest.mark.parametrize(("one", "same"), [("Jürgen", "JÜRGEN"), ("Straße", "STRASSE"), ("ﬁnn", "FINN")])
async def test_usernames_are_the_same_without_regard_to_case(
    client: httpx.AsyncClient, people: People, one: str, same: str
) -> None:
    await people.admin()
    first, second = await _tell(client, 1, username=one), await _tell(client, 2, username=same)
    assert first.status_code == 201
    assert code(second) == (400, "REGISTER_USER_ALREADY_EXISTS")


@pytest.mark.parametrize(
    ("one", "same"),
    [("Ärger@example.org", "äRGER@example.org"), ("a@bücher.example.org", "A@xn--bcher-kva.EXAMPLE.org")],
)
async def test_emails_are_the_same_without_regard_to_case(
    client: httpx.AsyncClient, people: People, one: str, same: str
) -> None:
    await people.admin()
    first, second = await _tell(client, 1, email=one), await _tell(client, 2, email=same)
    assert first.status_code == 201
    assert code(second) == (400, "REGISTER_USER_ALREADY_EXISTS")


async def test_texts_may_be_as_long_as_promised(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    answer = await _tell(client, 1, **{field: text[1:] for field, text in TOO_LONG.items()})
    assert answer.status_code == 201
    assert (len(answer.json()["approval_note"]), len(answer.json()["institution"])) == (2000, 200)


@pytest.mark.parametrize("field", TOO_LONG)
async def test_a_text_that_is_too_long_is_refused(client: httpx.AsyncClient, people: People, field: str) -> None:
    await people.admin()
    answer = await _tell(client, 1, **{field: TOO_LONG[field]})
    assert code(answer) == (422, "VALIDATION_ERROR")


async def test_texts_hold_no_control_characters(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    fields = ("approval_note", "institution", "full_name", "name")
    answers = {
        (field, text): await _tell(client, 1, **{field: text}) for field in fields for text in ("a\0b", "a\x1bb")
    }
    assert [key for key, answer in answers.items() if code(answer) != (422, "VALIDATION_ERROR")] == []


async def test_a_reason_has_at_most_a_thousand_characters(people: People) -> None:
    admin, person = await people.admin(), await people.pending()
    path = f"/api/auth/admin/users/{person.id}/approve"
    too_long = await admin.post(path, {"approved": True, "reason": "x" * 1001})
    longest = await admin.post(path, {"approved": True, "reason": "x" * 1000})
    assert (too_long.status_code, longest.status_code) == (422, 200)
