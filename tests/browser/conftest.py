"""One browser and one house for all tests of pages; houses of one's own for those who need a first day."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.guest import Guest, open_browser
from tests.browser.house import House, Person
from tests.machines.forks import Clock

Visit = Callable[..., Guest]
Build = Callable[..., House]


@pytest.fixture(scope="package")
def browser(chromium_path: Path) -> Iterator[Browser]:
    """The browser; it is closed before tests elsewhere run event loops of their own."""
    with open_browser(chromium_path) as browser:
        yield browser


@pytest.fixture(scope="package")
def inhabited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Person]]:
    """A house that has its administrator."""
    house = House(tmp_path_factory.mktemp("house"))
    yield house, house.first()
    house.close()


@pytest.fixture
def house(inhabited: tuple[House, Person]) -> House:
    """A house with an administrator, shared: nobody may rely on who else is there."""
    return inhabited[0]


@pytest.fixture
def admin(inhabited: tuple[House, Person]) -> Person:
    """The administrator of `house`."""
    return inhabited[1]


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Build]:
    """Build a house of one's own, in which nobody was ever before."""
    houses: list[House] = []

    def built(clock: Clock | None = None, /, **settings: str) -> House:
        houses.append(House(tmp_path / f"house{len(houses)}", clock, **settings))
        return houses[-1]

    yield built
    for house in houses:
        house.close()


@pytest.fixture
def visit(browser: Browser, house: House) -> Iterator[Visit]:
    """Let somebody visit a house, `house` unless told otherwise; at the end nobody may have seen anything fail."""
    guests: list[Guest] = []

    def visited(where: House | None = None, **options: Any) -> Guest:  # Playwright's
        guests.append(Guest(browser, where or house, **options))
        return guests[-1]

    yield visited
    complaints = [complaint for guest in guests for complaint in guest.leave()]
    assert not complaints
