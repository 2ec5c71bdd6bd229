"""The pictures of the statistics, as people get them: on a phone and a desk, in both lights, by keyboard, on paper."""

from typing import Final

from playwright.sync_api import expect

from tests.browser import cast
from tests.browser.conftest import Build, Visit
from tests.browser.guest import DESK

PHONE: Final = 390
_COLLIDING: Final = """() => {
  const found = [];
  for (const plot of document.querySelectorAll(".chart-plot, .chart-scale")) {
    const shown = [...plot.querySelectorAll("text")].filter((text) => text.checkVisibility());
    const boxes = shown.map((text) => text.getBoundingClientRect());
    boxes.forEach((one, place) => {
      if (one.left < 0 || one.right > innerWidth) found.push(`outside: ${shown[place].textContent}`);
      boxes.slice(place + 1).forEach((other, more) => {
        const across = one.right > other.left && other.right > one.left;
        if (across && one.bottom > other.top + 3 && other.bottom > one.top + 3)
          found.push(`${shown[place].textContent} on ${shown[place + 1 + more].textContent}`);
      });
    });
  }
  return found;
}"""
"""Labels that stand on each other, or outside the window."""
_CONTRASTS: Final = """() => {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const parts = (hex) => (hex.length > 4 ? hex.slice(1).match(/../g) : [...hex.slice(1)].map((one) => one + one));
  const light = (hex) => parts(hex).map((part) => parseInt(part, 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0) + 0.05;
  return ["--chart-0", "--chart-1", "--chart-2"].map((name) => {
    const [one, paper] = [light(colour(name)), light(colour("--paper"))];
    return Math.max(one, paper) / Math.min(one, paper);
  });
}"""
"""How much darker or lighter each fill is than the paper it stands on (WCAG 2.2, 1.4.11)."""


def test_statistics_can_be_read_by_everybody(build: Build, visit: Visit) -> None:
    house = build()
    admin = house.first()
    house.past(cast.past())
    for _ in range(2):
        house.applicant()
    guest, found = visit(house).come_in(admin), list[object]()
    page = guest.page
    for period in ("7d", "30d", "52w"):
        guest.go(f"/statistics?period={period}")
        for width, scheme in ((PHONE, "dark"), (PHONE, "light"), (DESK, "light"), (DESK, "dark")):
            guest.dress(width, scheme)
            found += [(period, width, scheme, one) for one in page.evaluate(_COLLIDING)]
            found += [(period, width, scheme, "contrast") for one in page.evaluate(_CONTRASTS) if one < 3]
            found += [(period, width, "overflow")] if guest.overflow() > 0 else []
        found += [(period, one["id"]) for one in guest.barriers()]
    guest.dress(PHONE, "light")
    found += [("phone", one["id"]) for one in guest.barriers()]
    assert not found
    expect(page.get_by_role("img", name="New accounts")).to_be_visible()
    page.locator("#sign-ins summary").click()
    region = page.get_by_role("region", name="Table: Sign-ins")
    region.focus()
    expect(region.get_by_role("row")).to_have_count(53)


def test_on_paper_every_table_is_open_and_nothing_to_click_is_left(build: Build, visit: Visit) -> None:
    house = build()
    guest = visit(house).come_in(house.first())
    house.past(cast.past())
    page = guest.go("/statistics?period=7d")
    expect(page.locator("table").first).to_be_hidden()
    page.emulate_media(media="print")
    for table in page.locator("table").all():
        expect(table).to_be_visible()
    for hidden in ("nav", ".chart-foot a", "summary"):
        for one in page.locator(hidden).all():
            expect(one).to_be_hidden()
    assert page.locator(".chart-plot").count() == page.locator("table").count() == 6
