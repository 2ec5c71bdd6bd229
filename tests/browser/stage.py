"""The stage: two houses with people in every state, on which every page can be shown."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self

from playwright.sync_api import Browser

from tests.browser import cast
from tests.browser.guest import Guest
from tests.browser.house import House, Person


@dataclass
class Stage:
    """`house` is full of people; `lodge` is new, and closed to everybody but its first visitor."""

    house: House
    lodge: House
    admin: Person
    approver: Person
    member: Person
    suspended: Person
    pending: Person
    rejected: Person
    browser: Browser
    keeper: Person | None = None

    @classmethod
    def build(cls, browser: Browser, folder: Path, *, more_waiting: int) -> Self:
        """Start the houses and let the people in by the doors."""
        house = House(folder / "house")
        admin = house.first("marta", **cast.RECEPTION)
        house.age(admin, timedelta(days=500))
        members = [_member(house, *who) for who in cast.MEMBERS]
        suspended = house.member("k.oyelaran", full_name="Kit Oyelaran", institution="Brightwater Clinic")
        house.administer("PUT", str(suspended.id), {"is_active": False})
        rejected = house.applicant("nadir.q", full_name="Nadir Quill", institution="Quill & Daughters")
        house.decide(rejected, approved=False, reason=cast.REASON)
        house.make_approver(members[0])
        house.administer("POST", f"{members[1].id}/promote", {"reason": "Second key for the holidays."})
        waiting = [_applicant(house, *who) for who in cast.WAITING]
        for number in range(more_waiting):
            late = house.applicant(f"student{number + 1:02}", institution="Northgate Polytechnic")
            house.age(late, timedelta(minutes=45) - timedelta(seconds=number))
        lodge = House(folder / "lodge", REGISTRATION="closed")
        return cls(house, lodge, admin, members[0], members[3], suspended, waiting[0], rejected, browser)

    def close(self) -> None:
        """End both servers."""
        self.house.close()
        self.lodge.close()

    def guest(self, who: Person | None = None) -> Guest:
        """Somebody who visits the house, signed in or not."""
        guest = Guest(self.browser, self.house)
        return guest.come_in(who) if who else guest

    def lodger(self) -> Guest:
        """The first and only visitor of the lodge, signed in."""
        if self.keeper is None:
            self.keeper = self.lodge.first("keeper", full_name="Ida Torwald")
        return Guest(self.browser, self.lodge).come_in(self.keeper)


def _member(house: House, username: str, full_name: str, institution: str, since: timedelta) -> Person:
    person = house.member(username, full_name=full_name, institution=institution)
    house.age(person, since)
    return person


def _applicant(
    house: House, username: str, full_name: str, institution: str | None, note: str | None, since: timedelta
) -> Person:
    given = {"full_name": full_name, "institution": institution or "", "approval_note": note or ""}
    person = house.applicant(username, **given)
    house.age(person, since)
    return person
