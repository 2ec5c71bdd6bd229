"""The stage: two houses with people in every state, on which every page can be shown."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final, Self

from playwright.sync_api import Browser

from tests.browser import cast
from tests.browser.guest import DESK, Guest
from tests.browser.house import House, Person

_WITHOUT_MAIL: Final = {"ENV": "production", "BOOTSTRAP": "first-user", "RATE_LIMITS": "on"}


@dataclass
class Stage:
    """`house` is full of people; `lodge` is new, sends no mail, and is closed to everybody but its first visitor."""

    house: House
    lodge: House
    admin: Person
    approver: Person
    member: Person
    suspended: Person
    pending: Person
    rejected: Person
    deleted: Person
    traveller: Person
    browser: Browser
    groups: tuple[str, str, str]
    """Where organizations are: the member's own, the administrator's, and one whose owner is suspended."""
    keeper: Person | None = None
    guests: dict[tuple[House, Person | None], Guest] = field(default_factory=dict)

    @classmethod
    def build(cls, browser: Browser, folder: Path, *, more_waiting: int) -> Self:
        """Start the houses and let the people in by the doors."""
        house = House(folder / "house", TRUSTED_PROXIES="127.0.0.1")
        admin = house.first("marta", **cast.RECEPTION)
        house.age(admin, timedelta(days=500))
        members = [_member(house, *who) for who in cast.MEMBERS]
        suspended = _member(house, *cast.SUSPENDED)
        groups = _groups(house, admin, members, suspended)
        house.administer("PUT", str(suspended.id), {"is_active": False})
        rejected = _applicant(house, *cast.REJECTED)
        house.decide(rejected, approved=False, reason=cast.REASON)
        deleted = _member(house, *cast.DELETED)
        house.administer("DELETE", str(deleted.id))
        house.make_approver(members[0])
        house.change(members[3], **cast.RENAMED)
        house.administer("POST", f"{members[1].id}/promote", {"reason": "Second key for the holidays."})
        waiting = [_applicant(house, *who) for who in cast.WAITING]
        house.past(cast.past())
        traveller = house.member(**cast.TRAVELLER)
        house.age(traveller, timedelta(days=30))
        for device, since, unused in cast.DEVICES:
            house.at_work(traveller, since=since, unused=unused, **device)
        for number in range(more_waiting):
            late = house.applicant(f"student{number + 1:02}", institution="Northgate Polytechnic")
            house.age(late, timedelta(hours=28, minutes=-number))
        lodge = House(folder / "lodge", REGISTRATION="closed", **_WITHOUT_MAIL)
        known = (suspended, waiting[0], rejected, deleted, traveller)
        return cls(house, lodge, admin, members[0], members[3], *known, browser, groups)

    def close(self) -> None:
        """Let everybody leave and end both servers."""
        for guest in self.guests.values():
            guest.leave()
        self.house.close()
        self.lodge.close()

    def guest(self, who: Person | None = None, house: House | None = None) -> Guest:
        """Somebody who visits a house: signed in, or a stranger whom nobody knows."""
        where = house or self.house
        guest = self.guests.get((where, who))
        if guest is None:
            guest = self.guests[where, who] = Guest(self.browser, where)
            if who:
                guest.come_in(who)
        if who is None:
            guest.forget()
        guest.dress(DESK, "light")
        guest.page.mouse.move(0, 0)
        return guest

    def lodger(self) -> Guest:
        """The first and only visitor of the lodge, signed in."""
        if self.keeper is None:
            self.keeper = self.lodge.first("keeper", full_name="Ida Torwald")
        return self.guest(self.keeper, self.lodge)


def _groups(house: House, admin: Person, members: list[Person], suspended: Person) -> tuple[str, str, str]:
    """Organizations with people in them, and two tiers."""
    approver, second, clerk, owner, other = members
    tides = house.found(owner, cast.TIDES, admin=second, member_1=other, member_2=clerk)
    readers = house.found(admin, cast.READERS, member_1=owner, member_2=approver)
    clinic = house.found(suspended, cast.CLINIC, admin=owner)
    house.ask_as(owner, "POST", f"{tides}/invitations", role="member", email=cast.INVITED)
    house.ask_as(owner, "POST", f"{tides}/invitations", role="admin")
    for tier in ("Free", "Partner"):
        house.ask_as(admin, "POST", "/tiers", name=tier, is_default=tier == "Free")
    for path, limit, period, name in cast.LIMITS:
        named = {"name": name} if name else {}
        house.ask_as(admin, "POST", "/tiers/Free/rate-limits", path=path, limit=limit, period=period, **named)
    return tides, readers, clinic


def _member(house: House, username: str, full_name: str, institution: str, since: timedelta) -> Person:
    person = house.member(username, full_name=full_name, institution=institution)
    house.sign_in(person)
    house.age(person, since)
    return person


def _applicant(
    house: House, username: str, full_name: str, institution: str | None, note: str | None, since: timedelta
) -> Person:
    given = {"full_name": full_name, "institution": institution or "", "approval_note": note or ""}
    person = house.applicant(username, **given)
    house.age(person, since)
    return person
