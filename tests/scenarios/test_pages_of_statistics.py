"""The page of statistics: nothing, one day, many; every period; and its files."""

import re
from datetime import timedelta

import httpx

from backend.models import Tally, TallyKind
from backend.stores.rows import insert
from tests.application import Application
from tests.factories import People
from tests.scenarios.desk import at_the_desk, text_of

CHARTS = ("registrations", "decisions", "waiting", "waited", "sign-ins", "active", "resets", "failures")


def _figure(page: httpx.Response, chart: str) -> str:
    return page.text.partition(f'id="{chart}"')[2].partition("</figure>")[0]


def _words(page: httpx.Response, chart: str) -> str:
    return text_of(httpx.Response(200, text=f"<i {_figure(page, chart)}"))


async def test_where_nothing_happened_a_chart_says_so_in_words(running: Application, people: People) -> None:
    desk = await at_the_desk(running, await people.admin())
    page = await desk.get("/statistics")
    for chart, words in {
        "decisions": "No requests were approved or rejected in this period.",
        "waiting": "There are no pending requests.",
        "waited": "No requests were approved or rejected in this period.",
        "resets": "No password resets were requested in this period.",
        "failures": "There were no failures in this period.",
    }.items():
        assert words in _words(page, chart)
        assert "chart-plot" not in _figure(page, chart)
        assert "<table" not in _figure(page, chart)


async def test_one_day_is_drawn_told_and_written_down(running: Application, people: People) -> None:
    desk = await at_the_desk(running, await people.admin())
    for _ in range(3):
        await people.pending()
    page = await desk.get("/statistics", period="7d")
    figure, words = _figure(page, "registrations"), _words(page, "registrations")
    today = running.clock.now()

    assert "4 in total. Most today, so far: 4." in words
    assert f"{today.day} {today:%b %Y}, so far 3 1" in words  # the first line of the table
    assert re.search(r"<title>\d+ \w+ \d{4}, so far: Requested 3, Created by an administrator 1</title>", figure)
    assert len(re.findall(r'<rect class="chart-part', figure)) == 2 + 2  # the bar, and the legend
    assert {'role="img"', 'aria-labelledby="registrations-title"'} <= set(figure.split())
    assert '<title id="registrations-title">New accounts</title>' in figure
    assert figure.count("<tr>") == 8
    assert "3 in total." in _words(page, "waiting")
    assert "Most today, so far: 1." in _words(page, "active")
    assert not re.search(r"\b[Nn]a[Nn]\b|\binf\b|None|style=|<script(?! src)", page.text)


async def test_many_days_are_in_every_form_of_time(running: Application, people: People) -> None:
    desk, now = await at_the_desk(running, await people.admin()), running.clock.now()
    days = [now - timedelta(days=ago) for ago in range(1, 400)]
    weeks = {f"{day:%G-W%V}" for day in days[7:]}
    rows = [
        *(Tally(kind=TallyKind.HAPPENED, key=f"{day:%Y-%m-%d}/signin_succeeded", count=1_200_000) for day in days),
        *(Tally(kind=TallyKind.HAPPENED, key=f"{day:%Y-%m-%d}/signin_failed/made_up", count=1) for day in days),
        *(Tally(kind=TallyKind.ACTIVE, key=f"{day:%Y-%m-%d}", count=70) for day in days),
        *(Tally(kind=TallyKind.ACTIVE, key=key, count=300) for key in weeks),
    ]
    async with running.context.database.writing() as session:
        await insert(session, *rows)
    for period, length in {"7d": 7, "30d": 30, "90d": 90, "12w": 12, "52w": 52}.items():
        page = await desk.get("/statistics", period=period)
        figure = _figure(page, "sign-ins")
        assert page.status_code == 200
        assert figure.count('<g class="chart-bar">') == length == figure.count("<tr>") - 1
        assert "\N{NO-BREAK SPACE}M</text>" in figure
        assert f'href="/statistics?period={period}" aria-current="true"' in page.text
        assert _figure(page, "active").count("<circle") == length
        assert "Most" in _words(page, "active")
        assert "in total" not in _words(page, "active")  # nobody is two people
        assert f"{now.day} {now:%b %Y}, so far 2 0 0 0 0 0 0 0 0" in _words(page, "sign-ins") or period.endswith("w")
    unknown = _words(await desk.get("/statistics", period="7d"), "sign-ins")
    assert unknown.count(" 1,200,000 0 0 0 0 0 0 0 1") == 6  # a reason this version does not know
    longest = await desk.get("/statistics", period="90d")
    assert len(longest.text) < 400_000


async def test_a_time_there_is_not_is_told_and_another_shown(running: Application, people: People) -> None:
    desk = await at_the_desk(running, await people.admin())
    for wrong in ("1d", "", "30D", "30d'"):
        page = await desk.get("/statistics?period=" + wrong)
        assert page.status_code == 422
        assert "This period is not available. You see the last 30 days instead." in text_of(page)
    assert (await desk.get("/statistics/sign-ins.csv", period="1d")).status_code == 422
    assert (await desk.get("/statistics/weather.csv")).status_code == 404
    assert (await desk.get("/statistics/sign-ins")).status_code == 404


async def test_every_chart_can_be_taken_away(running: Application, people: People) -> None:
    desk = await at_the_desk(running, await people.admin())
    await people.pending()
    page = await desk.get("/statistics", period="12w")
    links = re.findall(r'href="(/statistics/[^"]+)"\s+download', page.text)
    files = [await desk.get(link) for link in links]

    assert links == [
        f"/statistics/{chart}.csv?period=12w" for chart in ("registrations", "waiting", "sign-ins", "active")
    ]
    assert [file.headers["content-type"] for file in files] == ["text/csv; charset=utf-8"] * 4
    assert [len(file.text.splitlines()) for file in files] == [13, 6, 13, 13]
    for chart in CHARTS:
        assert (await desk.get(f"/statistics/{chart}.csv")).status_code == 200


async def test_days_before_it_was_counted_are_not_told_as_nothing(running: Application, people: People) -> None:
    desk = await at_the_desk(running, await people.admin())
    page = await desk.get("/statistics", period="7d")
    today = running.clock.now()

    assert f"Counted since {today.day} {today:%b %Y}." in _words(page, "active")
    assert _figure(page, "active").count("<circle") == 1
    assert _figure(page, "active").count("<td>–</td>") == 6
    assert "–" not in _words(page, "sign-ins")
