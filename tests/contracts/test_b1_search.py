"""`GET /api/v1/users?query=`: parts of names in every script, and characters that mean something to databases."""

from typing import Final

import pytest
from sqlalchemy import text

from backend.stores import listings
from tests.application import Application
from tests.contracts.dialect_b import ME, USERS, accounts, body_of, found, walked
from tests.factories import PASSWORD, People, Person

FULL_NAMES: Final[dict[str, str]] = {
    "arabic": "محمد علي",
    "chinese": "王小明 李",
    "cyrillic": "Иван Петров",
    "danish": "Søren Ærø",
    "french": "Émile Zola-François",
    "german": "Jürgen Straße",
    "greek": "Ελένη Παπαδόπουλος",
    "hindi": "नरेन्द्र",
    "japanese": "さくら ﾊﾙｶ",
    "korean": "김민준",
    "ligature": "ﬁnn Oﬃce",
    "polish": "Łukasz Żółć",
    "thai": "สมชาย",
    "turkish": "İbrahim I\u015f\u0131k",
    "vietnamese": "Nguyễn Văn",
}
"""Somebody of each of these usernames."""
ANYWHERE: Final[dict[str, list[str]]] = {
    "arabic": ["محمد", "حمد"],
    "chinese": ["王小明", "小明 李"],
    "cyrillic": ["ван", "ПЕТРОВ"],
    "danish": ["øren"],
    "french": ["MILE", "françois", "FRANCOIS", "zola-f"],
    "german": ["jurgen", "STRASSE", "straße", "ürg", "JU\u0308RGEN", "\uff4a\uff55\uff52", "  jürgen \t straße "],
    "greek": ["ελενη", "παδο", "πουλος", "ΠΑΠΑΔΟΠΟΥΛΟΣ"],
    "hindi": ["नरेन्द्र"],
    "japanese": ["さくら", "くら ハ"],
    "korean": ["김민준"],
    "ligature": ["FINN", "ﬃce", "office"],
    "polish": ["ukasz", "zoł"],
    "thai": ["สมชาย"],
    "turkish": ["ibrahim", "İBRAHIM"],
    "vietnamese": ["nguyen van"],
    "nobody": ["xyz", "ivan", "王 明", "jürgenstraße"],
}
"""What finds whom: three characters and more, anywhere in a name."""
BEGINNINGS: Final[dict[str, list[str]]] = {
    "arabic": ["عل"],
    "chinese": ["王", "王小", "李", "小明", "明"],
    "cyrillic": ["Ив", "п"],
    "french": ["É", "Ém", "em"],
    "german": ["ju", "JÜ"],
    "greek": ["Π", "ελ"],
    "hindi": ["न"],
    "japanese": ["さ", "ハル", "ﾊ", "くら"],
    "korean": ["김", "김민", "민준"],
    "polish": ["Ł"],
    "thai": ["สม"],
    "nobody": ["ва", "λέ", "ür"],
}
"""What finds whom: one character or two, at the beginning of a word; Han, Kana and Hangul are words by themselves."""
METACHARACTERS: Final = [
    *("%", "_", "\\", '"', "*", "'", "--", "^", "(", "NEAR", "a%b", "a_b", "%%%", "___", "\\\\\\", '"""'),
    *("OR", "AND", "a*", "text:a", "{a b}", "a+b", "'; DROP", "0x00", "$1", ":searched", "[a-z]", ".*"),
]


@pytest.fixture
async def admin(people: People) -> Person:
    """Somebody who may search."""
    return await people.admin()


async def everybody(people: People) -> None:
    """Somebody of every script; nobody's username or address is like another's name."""
    names = [
        {"username": name, "full_name": full, "email": f"{n}@9.test"}
        for n, (name, full) in enumerate(FULL_NAMES.items())
    ]
    await accounts(people, names)


async def answers(admin: Person, queries: list[str]) -> dict[str, list[str]]:
    return {query: await found(admin, query=query) for query in queries}


def expected(table: dict[str, list[str]]) -> dict[str, list[str]]:
    return {query: [name] if name in FULL_NAMES else [] for name, queries in table.items() for query in queries}


async def test_names_in_every_script_are_found_by_three_characters(people: People, admin: Person) -> None:
    await everybody(people)
    assert await answers(admin, list(expected(ANYWHERE))) == expected(ANYWHERE)


async def test_one_and_two_characters_find_beginnings_of_words(people: People, admin: Person) -> None:
    await everybody(people)
    assert await answers(admin, list(expected(BEGINNINGS))) == expected(BEGINNINGS)


async def test_case_width_and_accents_make_no_difference(people: People, admin: Person) -> None:
    await accounts(
        people, [{"username": "one", "full_name": "Zoë Crème"}, {"username": "two", "full_name": "ZOE CREME"}]
    )
    for query in ("zoe", "ZOË", "Zoe\u0308", "zoé", "\uff3a\uff4f\uff45", "creme", "crè", "zo", "ZÖ", "zoe c", "oe cr"):
        assert await found(admin, query=query) == ["one", "two"], query
    assert await found(admin, query="zoecreme") == []


async def test_names_usernames_addresses_and_institutions_are_looked_through(people: People, admin: Person) -> None:
    hidden = {
        "approval_note": "hidden",
        "decision_reason": "hidden",
        "hashed_password": "hidden",
        "profile_image_url": "hidden",
    }
    row = {
        "username": "someone",
        "full_name": "Full Name",
        "email": "mail.box@host.example",
        "institution": "New School",
    }
    (user,) = await accounts(people, [{**row, **hidden}])
    for query in (
        "someone",
        "meon",
        "full",
        "l nam",
        "Name",
        "box@ho",
        "host.exam",
        "new sch",
        "scho",
        "so",
        "fu",
        "ma",
        "sc",
    ):
        assert await found(admin, query=query) == ["someone"], query
    crossing = (
        "hidden",
        "someone full",
        "name mail",
        "host.example new",
        str(user.id),
        user.id.hex,
        "user",
        "active",
        "!",
    )
    assert await answers(admin, list(crossing)) == {query: [] for query in crossing}


async def test_characters_that_mean_something_to_databases_mean_themselves(people: People, admin: Person) -> None:
    plain = [{"username": f"plain{number}", "full_name": "plain ab axb text"} for number in range(3)]
    odd = {f"odd{number:02}": f"q{sign}q {sign}" for number, sign in enumerate(METACHARACTERS)}
    await accounts(people, [*plain, *({"username": name, "full_name": text} for name, text in odd.items())])
    for sign in METACHARACTERS:
        within = [name for name, text in odd.items() if f"q{sign}q" in text]
        alone = [name for name, text in odd.items() if _finds(sign, f"{name} {text}".casefold())]
        assert await answers(admin, [f"q{sign}q", sign]) == {f"q{sign}q": within, sign: alone}, sign


def _finds(sign: str, words: str) -> bool:
    sign = sign.casefold()
    return sign in words if len(sign) > 2 else any(word.startswith(sign) for word in words.split())


async def test_what_looks_for_nothing_shows_everybody(people: People, admin: Person) -> None:
    await accounts(people, [{}, {}])
    for query in ("", " ", "\t\n", "\u3000", "\u0301"):
        page = body_of(await admin.get(USERS, params={"query": query}))
        assert (page["total_count"], len(page["data"])) == (3, 3), repr(query)


async def test_a_change_of_name_is_found_at_once_and_the_old_name_no_more(people: People, admin: Person) -> None:
    person = await people.active()
    await person.patch(ME, {"full_name": "Hannah Arendt", "institution": "New School"})
    await person.patch(ME, {"username": "newcomer", "email": "moved@example.net", "current_password": PASSWORD})
    for query in ("hannah", "new school", "newcomer", "moved@", "ha"):
        assert await found(admin, query=query) == ["newcomer"], query
    await person.patch(ME, {"full_name": "Rahel", "institution": None})
    for query in ("hannah", "new school", person.username, person.email):
        assert await found(admin, query=query) == [], query
    await admin.patch(f"{USERS}/{person.id}", {"full_name": "Rahel Varnhagen"})
    assert await found(admin, query="varnhagen") == ["newcomer"]


async def test_search_goes_with_filters_orders_and_cursors(people: People, admin: Person) -> None:
    made = [{"username": f"name{number:02}", "role": ("user", "approver")[number % 2]} for number in range(20)]
    ids = [str(user.id) for user in await accounts(people, made)]
    query = {"role": "approver", "sort_by": "username", "items_per_page": 3}
    for searched in ("name", "na", "n"):
        assert await walked(admin, query=searched, **query, sort_order="asc") == ids[1::2]
        assert await walked(admin, query=searched, **query, sort_order="desc") == ids[::-2]
    assert await walked(admin, query="me1", **query) == ids[:10:-2]
    assert await walked(admin, query="name", items_per_page=7) == ids[::-1]


async def test_a_rare_filter_on_a_common_name_finds_everybody(
    people: People, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    rare = ["approver" if number > 11 else "user" for number in range(15)]
    await accounts(people, [{"username": f"name{number:02}", "role": role} for number, role in enumerate(rare)])
    monkeypatch.setattr(listings, "MOST_COUNTED", 5)
    assert await found(admin, query="name", role="approver") == ["name12", "name13", "name14"]


async def test_without_its_index_search_finds_the_same(
    running: Application, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, database = await people.admin(), running.context.database
    await everybody(people)
    queries = [*expected(ANYWHERE), *expected(BEGINNINGS), *METACHARACTERS]
    assert database.search_indexed
    indexed = await answers(admin, queries)
    monkeypatch.setattr(database, "search_indexed", False)
    if database.embedded:
        async with database.writing() as session:
            await (await session.connection()).execute(text("DROP TABLE listings_search"))
    assert await answers(admin, queries) == indexed


@pytest.mark.parametrize("query", ["大学", "华", "雷", "민준", "たろ"], ids=ascii)
async def test_scripts_without_spaces_are_found_anywhere(people: People, admin: Person, query: str) -> None:
    for name in ("清华大学", "李雷", "김민준", "やまだたろう"):
        await people.pending(full_name=name)
    found = (await admin.get("/api/v1/users", params={"query": query})).json()["data"]
    assert [query in user["full_name"] for user in found] == [True]
