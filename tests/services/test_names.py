"""Which names are allowed, and which two are the same: one verdict on both databases."""

# ruff: noqa: RUF001  # letters that look like others are what this is about

import unicodedata

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import InvalidEmail, InvalidUsername
from backend.identifiers import RESERVED, as_id, email_as_typed, email_key, username_as_typed, username_key
from tests.factories import PASSWORD, People

letters = st.text(st.characters(categories=("L", "Nd")), min_size=2, max_size=20)

TWINS = [
    pytest.param("Ärger", "ärger", id="umlaut"),
    pytest.param(unicodedata.normalize("NFC", "Zoë"), unicodedata.normalize("NFD", "Zoë"), id="nfc-nfd"),
    pytest.param("straße", "STRASSE", id="sharp-s"),
    pytest.param("ﬁona", "fiona", id="ligature"),
    pytest.param("ſam", "sam", id="long-s"),
    pytest.param("ａｄａ", "ada", id="fullwidth"),
    pytest.param("ΣΊΣΥΦΟΣ", "σίσυφος", id="final-sigma"),
    pytest.param("𝒶𝒹𝒶", "ADA", id="mathematical"),
]
STRANGERS = [
    pytest.param("İda", "ida", id="dotted-capital-i"),
    pytest.param("ıda", "ida", id="dotless-i"),
    pytest.param("аda", "ada", id="cyrillic"),
    pytest.param("zoe", "zoë", id="accent"),
]


async def _second(client: httpx.AsyncClient, first: str, second: str) -> list[int]:
    bodies = [
        {"username": first, "email": "one@example.org", "password": PASSWORD},
        {"username": second, "email": "two@example.org", "password": PASSWORD},
    ]
    return [(await client.post("/api/auth/register", json=body)).status_code for body in bodies]


@pytest.mark.parametrize(("first", "second"), TWINS)
async def test_two_spellings_of_one_name_are_one_name(client: httpx.AsyncClient, first: str, second: str) -> None:
    assert await _second(client, first, second) == [201, 400]
    body = {"username_or_email": second, "password": PASSWORD}
    assert (await client.post("/api/auth/login", json=body)).json()["user"]["username"] == first


@pytest.mark.parametrize(("first", "second"), STRANGERS)
async def test_names_that_only_look_alike_are_two_names(client: httpx.AsyncClient, first: str, second: str) -> None:
    assert await _second(client, first, second) == [201, 201]


@pytest.mark.parametrize(
    "second",
    ["ADA@example.org", "ada@EXAMPLE.org", "ÄDA@example.org", "a\u0308da@bücher.example", "äda@xn--bcher-kva.example"],
    ids=ascii,
)
async def test_two_spellings_of_one_address_are_one_address(client: httpx.AsyncClient, second: str) -> None:
    first = {"ADA@e": "ada@example.org", "ada@E": "ada@example.org", "ÄDA@e": "äda@example.org"}
    body = {"username": "ada", "email": first.get(second[:5], "äda@bücher.example"), "password": PASSWORD}
    taken = {"username": "another", "email": second, "password": PASSWORD}

    assert (await client.post("/api/auth/register", json=body)).status_code == 201
    assert (await client.post("/api/auth/register", json=taken)).json()["detail"] == "Email already registered"


@pytest.mark.parametrize(
    "name",
    [
        *("a", "a" * 33, "", "a b", "a@b", "a/b", "-a", "a.", "_a", "a\u200bb", "a\0b", "a\ud800", "a\nb", "a'b"),
        *("..", "a\u3164", "\u115f\u1160", "\uffa0\uffa0", "👑👑", "a\u0301\u0301", "deadbeef" * 4, "DEADBEEF" * 4),
        *("del_x", "DEL_x", "ｄｅｌ_x", "０" * 32, "ﬀ" * 16, "\u202eada"),
        *sorted(RESERVED),
        *(word.upper() for word in sorted(RESERVED)),
        *("ｍｅ", "ſtatſ", "ﬆats"),
    ],
    ids=ascii,
)
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(InvalidUsername):
        username_as_typed(name)


@pytest.mark.parametrize("name", ["ab", "z" * 32, "admin", "Ada.Lovelace", "a-b_c.d", "ädä", "日本", "deadbeef" * 3])
def test_a_name_is_kept_as_typed(name: str) -> None:
    assert username_as_typed(name) == name


@given(letters)
def test_the_normal_form_is_its_own_normal_form(name: str) -> None:
    key = username_key(name)

    assert username_key(key) == key
    assert username_key(unicodedata.normalize("NFD", name)) == key
    assert username_key(unicodedata.normalize("NFKC", name)) == key


@given(st.text(max_size=50))
def test_every_text_has_a_key_as_an_address_so_that_a_guess_costs_the_same(text: str) -> None:
    assert isinstance(email_key(text), str)


@pytest.mark.parametrize(
    "address",
    ["v@x", "v@x.org,w@x.org", "v@x.org\r\nBcc: w@x.org", "a" * 300 + "@x.org", "@x.org", "a@x.org\0", "a@[127.0.0.1]"],
    ids=ascii,
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(InvalidEmail):
        email_as_typed(address)


@pytest.mark.parametrize(
    "text",
    [
        *("", "1", "urn:uuid:00000000-0000-0000-0000-000000000000", "{00000000-0000-0000-0000-000000000000}"),
        *("0" * 31, "0" * 33, "00000000-00000000-0000-0000-00000000", "０" * 32, "0" * 32 + "\n", " " + "0" * 32),
    ],
    ids=ascii,
)
def test_an_id_is_hyphenated_or_32_hex_digits_and_nothing_else(text: str) -> None:
    assert as_id(text) is None


@pytest.mark.settings(registration="open")
async def test_a_renamed_person_is_found_by_the_new_name_only(client: httpx.AsyncClient, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    path, old = f"/api/auth/admin/users/{person.id}", person.username
    taken = await admin.put(path, {"username": admin.username.upper()})
    await admin.put(path, {"username": "Renamed", "email": "renamed@example.org"})
    again = await client.post("/api/auth/register", json={"username": old, "email": person.email, "password": PASSWORD})
    person.username = "RENAMED"

    assert (taken.status_code, taken.json()["error_code"]) == (400, "AUTH_USERNAME_EXISTS")
    assert again.status_code == 201
    assert (await people.signed_in(person)).token
