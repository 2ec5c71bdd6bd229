"""`/api/v1/statistics`: what happened over days and weeks, as JSON and as CSV."""

import csv
from collections.abc import Mapping
from datetime import date, timedelta
from io import StringIO
from itertools import pairwise
from typing import Any

from tests.application import Application
from tests.contracts.answers import code
from tests.contracts.dialect_b import body_of
from tests.factories import PASSWORD, People, Person

STATISTICS = "/api/v1/statistics"
CHARTS = ["registrations", "decisions", "waiting", "waited", "sign-ins", "active", "resets", "failures"]
PERIODS = {"7d": 7, "30d": 30, "90d": 90, "12w": 12, "52w": 52}


async def _chart(admin: Person, name: str, period: str = "30d") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = body_of(await admin.get(f"{STATISTICS}/{name}", params={"period": period}))["rows"]
    return rows


def _counted(values: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in values.items() if count}


async def test_everything_that_happens_is_in_its_chart_once(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    waiting, old = await people.pending(), await people.pending()
    for name, password in ((person.username, "wrong"), (waiting.username, PASSWORD), ("nobody", PASSWORD)):
        await running.client.post("/api/auth/login", json={"username_or_email": name, "password": password})
    for path in ("/api/auth/forgot-password/", "/api/auth/forgot-password"):
        await running.client.post(path, json={"email": person.email})
    running.clock.move(hours=30)
    await people.signed_in(admin)
    for approved, who in ((True, waiting), (False, old)):
        await admin.post(f"/api/auth/admin/users/{who.id}/approve", {"approved": approved, "reason": "Of the lab"})
    await people.pending()
    body = body_of(await admin.get(STATISTICS, params={"period": "7d"}))
    today, past = ({one["chart"]: _counted(one["rows"][at]["values"]) for one in body["charts"]} for at in (-1, -3))
    yesterday = {one["chart"]: _counted(one["rows"][-2]["values"]) for one in body["charts"] if one["period"]}
    both = {name: [found[name] for found in (past, yesterday, today)] for name in yesterday}  # 30 hours: a day or two

    assert [one["chart"] for one in body["charts"]] == CHARTS
    assert [found for found in both["registrations"] if found] == [{"registered": 2, "made": 2}, {"registered": 1}]
    assert today["decisions"] == {"approved": 1, "rejected": 1}
    assert today["waited"] == {"three_days": 2}
    wrong = {"auth_invalid_credentials": 2, "account_pending": 1}
    assert [found for found in both["sign-ins"] if found] == [{"succeeded": 2, **wrong}, {"succeeded": 1}]
    assert [found for found in both["active"] if found] == [{"people": 2}, {"people": 1}]
    assert [found for found in both["resets"] if found] == [{"requested": 2}]
    assert {one["name"]: one["values"]["people"] for one in await _chart(admin, "waiting")} == {
        **dict.fromkeys(("day", "three_days", "week", "longer"), 0),
        "hour": 1,
    }


async def test_a_period_has_every_day_or_week_up_to_now(running: Application, people: People) -> None:
    admin, today = await people.admin(), running.clock.now().date()
    for period, length in PERIODS.items():
        body = body_of(await admin.get(STATISTICS, params={"period": period}))
        for chart in body["charts"]:
            rows = chart["rows"]
            if chart["chart"] == "waiting":
                assert [row["begins"] for row in rows] == [None] * 5
                continue
            begins = [date.fromisoformat(row["begins"]) for row in rows]
            step = timedelta(days=7 if period.endswith("w") else 1)
            assert (len(rows), {later - one for one, later in pairwise(begins)}) == (
                length,
                {step},
            )
            assert begins[-1] == (today - timedelta(days=today.weekday()) if step.days == 7 else today)
            names = [f"{day:%G-W%V}" if step.days == 7 else str(day) for day in begins]
            assert [row["name"] for row in rows] == names
            assert [row["complete"] for row in rows] == [True] * (length - 1) + [False]
            assert all(list(row["values"]) == chart["columns"] for row in rows)
    assert len(await _chart(admin, "sign-ins")) == 30
    assert body_of(await admin.get(f"{STATISTICS}/active"))["since"] == str(today)
    assert body_of(await admin.get(f"{STATISTICS}/sign-ins"))["since"] is None


async def test_a_chart_is_a_file_where_csv_is_asked_for(people: People) -> None:
    admin = await people.admin()
    await people.pending()
    for name in CHARTS:
        for period in ("7d", "12w"):
            chart = body_of(await admin.get(f"{STATISTICS}/{name}", params={"period": period}))
            headers = {**admin.bearer, "Accept": "text/csv"}
            answer = await admin.client.get(f"{STATISTICS}/{name}", params={"period": period}, headers=headers)
            lines = list(csv.reader(StringIO(answer.text, newline="")))
            first = {"waiting": ["waits_less_than"]}.get(name, ["day"] if period == "7d" else ["week", "begins"])
            timed = chart["period"] is not None
            assert lines[0] == [*first, *chart["columns"], *(["complete"] if timed else [])]
            assert lines[1:] == [
                [
                    row["name"],
                    *([row["begins"]] if len(first) == 2 else []),
                    *map(str, row["values"].values()),
                    *([str(row["complete"]).lower()] if timed else []),
                ]
                for row in chart["rows"]
            ]
            assert answer.text.count("\r\n") == len(lines) == answer.text.count("\n")
            assert answer.headers["content-type"] == "text/csv; charset=utf-8"
            assert "Accept" in answer.headers["vary"].split(", ")
            stored = f"{name}-{period}.csv" if timed else "waiting.csv"
            assert answer.headers["content-disposition"] == f'attachment; filename="{stored}"'


async def test_what_there_is_not_is_refused(people: People) -> None:
    admin = await people.admin()
    assert code(await admin.get(f"{STATISTICS}/weather")) == (404, "CHART_NOT_FOUND")
    assert code(await admin.get(f"{STATISTICS}/WAITED")) == (404, "CHART_NOT_FOUND")
    for query in ({"period": "1d"}, {"period": ""}, {"since": "30d"}):
        for path in (STATISTICS, f"{STATISTICS}/active"):
            assert code(await admin.get(path, params=query)) == (422, "VALIDATION_ERROR")
