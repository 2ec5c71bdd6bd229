"""`POST /api/v1/users/bulk`: one thing done to many, each with an outcome of its own, and never twice."""

import asyncio
from collections import Counter
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
import pytest

from backend.models import GONE, Role, Status
from backend.services import bulk
from backend.services.audit import Origin
from tests.application import Application
from tests.contracts.answers import code, refusal
from tests.contracts.dialect_b import BULK, ME, body_of, of, rows
from tests.factories import People, Person

MALFORMED: Final = ["urn:uuid:01900000-0000-7000-8000-000000000000", "{01900000-0000-7000-8000-000000000000}", "hannah"]
TIERS: Final = "/api/v1/tiers"
ACTIONS: Final = {
    "activate": "admin_user_activated",
    "deactivate": "admin_user_suspended",
    "delete": "admin_user_deletion",
    "update_role": "role_changed",
    "update_tier": "tier_changed",
    "approve": "admin_user_approved",
    "reject": "admin_user_rejected",
}
OUTCOMES: Final[dict[str, dict[Status, str]]] = {
    "activate": {
        **dict.fromkeys((Status.PENDING, Status.REJECTED), "NOT_APPROVED"),
        **dict.fromkeys((Status.ACTIVE, Status.SUSPENDED, Status.EXPIRED, Status.DEACTIVATED), "active"),
    },
    "deactivate": {
        **dict.fromkeys((Status.PENDING, Status.REJECTED, Status.EXPIRED, Status.DEACTIVATED), "INVALID_TRANSITION"),
        **dict.fromkeys((Status.ACTIVE, Status.SUSPENDED), "suspended"),
    },
    "delete": dict.fromkeys(set(Status) - set(GONE), "deleted"),
    "approve": {
        Status.PENDING: "active",
        Status.REJECTED: "ALREADY_DECIDED",
        **dict.fromkeys((Status.ACTIVE, Status.SUSPENDED, Status.EXPIRED, Status.DEACTIVATED), "ALREADY_APPROVED"),
    },
    "reject": {
        Status.PENDING: "rejected",
        Status.REJECTED: "ALREADY_DECIDED",
        **dict.fromkeys((Status.ACTIVE, Status.SUSPENDED, Status.EXPIRED, Status.DEACTIVATED), "ALREADY_APPROVED"),
    },
}
"""What becomes of whom: the status they have afterwards, or why they are left alone. The gone are not found."""


@pytest.fixture
async def admin(people: People) -> Person:
    """Somebody who may do it."""
    return await people.admin()


def call(operation: str, *ids: object, **data: object) -> dict[str, Any]:
    """What is asked."""
    body: dict[str, Any] = {"user_ids": [str(id_) for id_ in ids], "operation": operation}
    return body | {"data": data} if data else body


def keyed(person: Person, key: str) -> dict[str, str]:
    return {**person.bearer, "Idempotency-Key": key}


async def asked(person: Person, body: dict[str, Any], key: str) -> httpx.Response:
    return await person.client.post(BULK, json=body, headers=keyed(person, key))


async def done(people: People, operation: str) -> Counter[UUID | None]:
    """How often an operation was done to each account, as the audit tells."""
    return Counter(event.target_id for event in await people.audit(ACTIONS[operation]))


async def test_each_account_has_an_outcome_of_its_own(people: People, admin: Person) -> None:
    pending, active, nobody = await people.pending(), await people.active(), uuid4()
    body = call("approve", nobody, pending.id, active.id, "no id", reason="welcome")
    answer = body_of(await admin.post(BULK, body))
    assert answer == {
        "operation": "approve",
        "requested": 4,
        "succeeded": 1,
        "failed": 3,
        "errors": sorted(
            [
                {"user_id": str(nobody), "error_code": "USER_NOT_FOUND", "detail": "User not found"},
                {"user_id": str(active.id), "error_code": "ALREADY_APPROVED", "detail": "User is already approved"},
                {"user_id": "no id", "error_code": "USER_NOT_FOUND", "detail": "User not found"},
            ],
            key=lambda error: error["user_id"],
        ),
    }
    assert body_of(await admin.get(of(pending)))["decision_reason"] == "welcome"


async def test_every_operation_on_every_status(people: People, admin: Person) -> None:
    for operation, outcomes in OUTCOMES.items():
        cast = {status: await people.in_status(status, signed_in=False) for status in Status}
        before, audited = await rows(people), len(await people.audit())
        answer = body_of(await admin.post(BULK, call(operation, *(one.id for one in cast.values()), reason="so it is")))
        errors = {error["user_id"]: error["error_code"] for error in answer["errors"]}
        after = await rows(people)
        told = {status: errors.get(str(one.id)) or after[one.id]["status"] for status, one in cast.items()}
        assert told == outcomes | dict.fromkeys(GONE, "USER_NOT_FOUND"), operation
        changed = {one.id for one in cast.values() if after[one.id] != before[one.id]}
        recorded = (await people.audit())[audited:]
        acts = [event for event in recorded if event.action == ACTIONS[operation]]
        assert {event.target_id for event in acts} == changed, operation
        assert {(event.actor_id, event.reason) for event in acts} == {(admin.id, "so it is")}, operation


async def test_roles_are_given_and_taken(people: People, admin: Person) -> None:
    user, approver, other, shut = (
        await people.active(),
        await people.approver(),
        await people.admin(),
        await people.suspended(),
    )
    ids = [person.id for person in (user, approver, other, shut)]
    for role, failed in ((Role.APPROVER, 1), (Role.ADMIN, 1), (Role.USER, 0)):
        answer = body_of(await admin.post(BULK, call("update_role", *ids, role=role)))
        assert (answer["succeeded"], answer["failed"]) == (4 - failed, failed)
        assert {error["error_code"] for error in answer["errors"]} <= {"NOT_ACTIVE"}
        found = await rows(people)
        assert {found[id_]["role"] for id_ in ids[:3]} == {role}
    assert code(await other.get("/api/v1/users")) == (403, "ADMIN_REQUIRED")
    acts = [await people.audit(f"admin_user_{act}") for act in ("promotion", "demotion")]
    assert [len(events) for events in acts] == [3, 4]


async def test_tiers_are_given_and_taken_in_every_status_but_the_erased(people: People, admin: Person) -> None:
    gold = body_of(await admin.post(TIERS, {"name": "gold"}), 201)["id"]
    cast = {status: await people.in_status(status, signed_in=False) for status in Status}
    colleague = await people.admin()
    kept = {one.id for status, one in cast.items() if status is not Status.ANONYMIZED} | {colleague.id}
    ids = [*(one.id for one in cast.values()), colleague.id]
    erased = [{"user_id": str(cast[Status.ANONYMIZED].id), "error_code": "USER_NOT_FOUND", "detail": "User not found"}]
    for tier_id in (gold, gold, None):
        before, asked = await rows(people), call("update_tier", *ids, tier_id=tier_id, reason="so it is")
        answer = body_of(await admin.post(BULK, asked))
        after = await rows(people)
        assert (answer["succeeded"], answer["errors"]) == (len(kept), erased)
        assert {after[id_]["tier_id"] for id_ in kept} == {tier_id}
        differing = {name for id_ in ids for name in after[id_] if after[id_][name] != before[id_][name]}
        assert differing <= {"tier_id", "updated_at"}
    events = await people.audit("tier_changed")
    assert Counter(event.target_id for event in events) == dict.fromkeys(kept, 2)
    assert {(event.actor_id, event.reason) for event in events} == {(admin.id, "so it is")}
    assert [event.details for event in events[:: len(kept)]] == [
        {"was": None, "became": "gold"},
        {"was": "gold", "became": None},
    ]
    body_of(await admin.delete(f"{TIERS}/gold"))


async def test_a_tier_that_is_none_is_given_to_nobody(people: People, admin: Person) -> None:
    person, other = await people.active(), await people.active()
    gold = body_of(await admin.post(TIERS, {"name": "gold"}), 201)["id"]
    silver = body_of(await admin.post(TIERS, {"name": "silver"}), 201)["id"]
    for missing in (silver + 1, 0, -1):
        answer = await admin.post(BULK, call("update_tier", person.id, tier_id=missing))
        assert refusal(answer) == (404, "TIER_NOT_FOUND", "Tier not found")
    done_once = call("update_tier", person.id, tier_id=gold)
    first = body_of(await asked(admin, done_once, "key"))
    assert code(await asked(admin, call("update_tier", person.id, tier_id=silver), "key")) == (
        409,
        "IDEMPOTENCY_KEY_REUSED",
    )
    body_of(await admin.post(BULK, call("update_tier", person.id, tier_id=None)))
    body_of(await admin.delete(f"{TIERS}/gold"))
    assert body_of(await asked(admin, done_once, "key")) == first
    assert code(await admin.post(BULK, call("update_tier", other.id, tier_id=gold))) == (404, "TIER_NOT_FOUND")
    assert {(await people.row(one)).tier_id for one in (person, other)} == {None}


async def test_the_consequences_are_those_of_one_by_one(running: Application, people: People, admin: Person) -> None:
    cast = [await people.active() for _ in range(3)]
    body_of(await admin.post(BULK, call("deactivate", cast[0].id, reason="see mail")))
    body_of(await admin.post(BULK, call("delete", cast[1].id)))
    assert [code(await person.get(ME)) for person in cast[:2]] == [(401, "SESSION_REVOKED")] * 2
    assert body_of(await cast[2].get(ME))["status"] == "active"
    homes = [(running.data_dir / "users" / str(person.id)).is_dir() for person in cast]
    assert homes == [True, False, True]
    taken = await people.client.post(
        "/api/v1/users/register", json={"email": cast[1].email, "password": "a new passphrase"}
    )
    assert code(taken) == (400, "AUTH_EMAIL_EXISTS")
    body_of(await admin.post(BULK, call("activate", cast[0].id)))
    assert body_of(await admin.get(of(cast[0])))["decision_reason"] is None


async def test_an_id_that_is_given_twice_counts_once(people: People, admin: Person) -> None:
    person, nobody = await people.active(), uuid4()
    spellings = [str(person.id), person.id.hex, person.id.hex.upper(), str(person.id)]
    body = call("deactivate", *spellings, nobody, nobody.hex, "no id", "no id", *MALFORMED)
    answer = body_of(await admin.post(BULK, body))
    assert (answer["requested"], answer["succeeded"], answer["failed"]) == (6, 1, 5)
    assert {error["user_id"] for error in answer["errors"]} == {str(nobody), "no id", *MALFORMED}
    assert await done(people, "deactivate") == {person.id: 1}


async def test_nobody_is_among_those_they_act_upon(people: People, admin: Person) -> None:
    person, before = await people.active(), await rows(people)
    for own in (admin.id, admin.id.hex, admin.id.hex.upper()):
        for operation in ACTIONS:
            body = call(operation, person.id, own, role="user", tier_id=None)
            expected = (400, "NOT_ONESELF", "Cannot include yourself in bulk operations")
            assert refusal(await admin.post(BULK, body)) == expected
    after = await rows(people)
    assert after[person.id] == (before | after)[person.id]
    assert (await people.row(person)).is_active


async def test_what_needs_nothing_further_may_say_so_by_null(people: People, admin: Person) -> None:
    person = await people.active()
    answer = body_of(await admin.post(BULK, {**call("deactivate", person.id), "data": None}))
    assert (answer["succeeded"], answer["errors"]) == (1, [])


async def test_a_call_that_cannot_be_is_refused(people: People, admin: Person) -> None:
    person = await people.active()
    id_ = str(person.id)
    unknown = ["promote", "ACTIVATE", "", " activate", "update-role", "__class__"]
    answers = [await admin.post(BULK, call(operation, id_)) for operation in unknown]
    assert [code(answer) for answer in answers] == [(400, "INVALID_OPERATION")] * len(unknown)
    bodies: list[Any] = [
        *({}, {"user_ids": [id_]}, {"operation": "delete"}, call("delete"), call("update_role", id_), [], "x"),
        {"user_ids": [str(UUID(int=number)) for number in range(10_001)], "operation": "activate"},
        *(
            {"user_ids": ids, "operation": "delete"}
            for ids in (None, id_, [None], [7], [[id_]], {"0": id_}, ["x" * 201])
        ),
        *({"user_ids": [id_], "operation": operation} for operation in (None, 7, ["delete"])),
        *(call("update_role", id_, role=role) for role in ("root", None, "ADMIN", ["admin"])),
        *(call("update_tier", id_, tier_id=wrong) for wrong in ("1", True, 1.0, 10**12, [1])),
        *(call("update_tier", id_, **more) for more in ({}, {"role": "user"})),
        *({**call("delete", id_), "data": data} for data in ([id_], "x", {"is_superuser": True})),
        *({**call(operation, id_), "data": None} for operation in ("update_role", "update_tier")),
        *(call("delete", id_, reason=reason) for reason in ("x" * 1001, "\0", 7)),
        *({**call("delete", id_), name: "x"} for name in ("force", "role", "reason", "all")),
    ]
    for body in bodies:
        answer = await admin.post(BULK, body)
        assert code(answer) == (422, "VALIDATION_ERROR"), str(body)[:80]
    assert (await people.row(person)).is_active


async def test_ten_thousand_are_not_too_many(people: People, admin: Person) -> None:
    person = await people.active()
    ids = [person.id, *(UUID(int=number) for number in range(9_999))]
    answer = body_of(await admin.post(BULK, call("deactivate", *ids)))
    assert (answer["requested"], answer["succeeded"], answer["failed"]) == (10_000, 1, 9_999)


async def test_only_administrators_do_it(running: Application, people: People, admin: Person) -> None:
    person, demoted = await people.active(), await people.admin()
    body_of(await admin.patch(of(demoted), {"role": "user"}))
    for who in (demoted, person, await people.approver()):
        for body in (call("delete", person.id), call("promote", person.id), call("approve"), {}):
            assert code(await who.post(BULK, body)) == (403, "ADMIN_REQUIRED")
    assert code(await running.client.post(BULK, json=call("delete", person.id))) == (401, "NOT_AUTHENTICATED")
    assert (await people.row(person)).is_active


async def test_the_same_call_under_its_key_has_the_same_answer_and_is_done_once(people: People, admin: Person) -> None:
    cast = [await people.active() for _ in range(3)]
    ids = [*(person.id for person in cast), uuid4()]
    first = body_of(await asked(admin, call("deactivate", *ids, "no id", reason="once"), "key"))
    body_of(await admin.patch(of(cast[0]), {"status": "active"}))
    shuffled = call("deactivate", "no id", *(id_.hex for id_ in reversed(ids)), ids[0], reason="once")
    assert body_of(await asked(admin, shuffled, "key")) == first
    assert (await people.row(cast[0])).is_active
    assert await done(people, "deactivate") == dict.fromkeys(ids[:3], 1)


async def test_without_a_key_a_call_is_a_new_one(people: People, admin: Person) -> None:
    person = await people.active()
    for expected in (1, 2):
        body_of(await admin.post(BULK, call("deactivate", person.id)))
        body_of(await admin.patch(of(person), {"status": "active"}))
        assert await done(people, "deactivate") == {person.id: expected}


async def test_a_key_stands_for_one_call_of_one_person(people: People, admin: Person) -> None:
    one, two, other = await people.active(), await people.active(), await people.admin()
    body_of(await asked(admin, call("deactivate", one.id, reason="a"), "key"))
    others = [call("deactivate", two.id, reason="a"), call("deactivate", one.id), call("delete", one.id, reason="a")]
    others += [call("deactivate", one.id, two.id, reason="a"), call("deactivate", one.id, "x", reason="a")]
    answers = [await asked(admin, body, "key") for body in others]
    assert [code(answer) for answer in answers] == [(409, "IDEMPOTENCY_KEY_REUSED")] * 5
    assert (await people.row(two)).is_active
    body_of(await asked(other, call("deactivate", two.id), "key"))
    assert [code(await asked(admin, others[0], key)) for key in ("", "x" * 201)] == [(422, "VALIDATION_ERROR")] * 2


async def test_a_key_stands_for_a_call_about_nobody_too(people: People, admin: Person) -> None:
    first = body_of(await asked(admin, call("delete", "no id"), "key"))
    assert body_of(await asked(admin, call("delete", "no id"), "key")) == first
    assert code(await asked(admin, call("delete", "another"), "key")) == (409, "IDEMPOTENCY_KEY_REUSED")


async def test_the_same_call_at_once_is_done_once(
    people: People, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_CHUNK", 2)
    ids = await people.crowd(7)
    body = call("deactivate", *ids)
    answers = await asyncio.gather(*(asked(admin, body, "key") for _ in range(3)))
    assert [body_of(answer)["succeeded"] for answer in answers] == [7] * 3
    assert await done(people, "deactivate") == dict.fromkeys(ids, 1)


async def test_a_call_that_broke_off_goes_on_where_it_was(
    running: Application, people: People, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_CHUNK", 2)
    ids = await people.crowd(5)
    await broken_off(running, admin, ids)
    assert await done(people, "deactivate") == dict.fromkeys(ids[:2], 1)
    body_of(await admin.patch(of(ids[0]), {"status": "active"}))
    answer = body_of(await asked(admin, call("deactivate", *ids), "key"))
    assert (answer["requested"], answer["succeeded"], answer["errors"]) == (5, 5, [])
    assert await done(people, "deactivate") == dict.fromkeys(ids, 1)


async def test_whoever_is_demoted_meanwhile_goes_no_further(
    running: Application, people: People, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_CHUNK", 2)
    other, ids = await people.admin(), await people.crowd(5)
    await broken_off(running, admin, ids)
    body_of(await other.patch(of(admin), {"role": "user"}))
    assert code(await asked(admin, call("deactivate", *ids), "key")) == (403, "ADMIN_REQUIRED")
    assert await done(people, "deactivate") == dict.fromkeys(ids[:2], 1)


@pytest.mark.parametrize("change", [{"role": "user"}, {"status": "suspended"}])
async def test_a_call_that_is_under_way_stops_with_its_callers_rights(
    people: People, admin: Person, monkeypatch: pytest.MonkeyPatch, change: dict[str, str]
) -> None:
    monkeypatch.setattr(bulk, "_CHUNK", 1)
    other, ids = await people.admin(), await people.crowd(12)
    answer, changed = await asyncio.gather(admin.post(BULK, call("deactivate", *ids)), other.patch(of(admin), change))
    body_of(changed)
    acts = await done(people, "deactivate")
    acts.pop(admin.id, None)
    assert answer.status_code in {200, 401, 403}
    assert list(acts) == ids[: len(acts)]
    assert answer.status_code != 200 or len(acts) == 12


@pytest.mark.parametrize("operations", [("deactivate", "delete"), ("delete", "delete"), ("update_role", "deactivate")])
async def test_two_calls_in_opposite_order_do_not_wait_in_a_circle(
    people: People, admin: Person, monkeypatch: pytest.MonkeyPatch, operations: tuple[str, str]
) -> None:
    monkeypatch.setattr(bulk, "_CHUNK", 3)
    other, ids = await people.admin(), await people.crowd(10)
    one, two = operations
    first, second = await asyncio.gather(
        admin.post(BULK, call(one, *ids, role="approver")), other.post(BULK, call(two, *reversed(ids), role="approver"))
    )
    for answer in map(body_of, (first, second)):
        assert answer["succeeded"] + answer["failed"] == 10
        assert {error["error_code"] for error in answer["errors"]} <= {"USER_NOT_FOUND", "NOT_ACTIVE"}
    for operation in operations:
        assert set((await done(people, operation)).values()) <= {1}


async def test_the_command_line_leaves_one_administrator(running: Application, people: People) -> None:
    ids = [(await people.admin()).id for _ in range(3)]
    for operation in (bulk.Operation.DEACTIVATE, bulk.Operation.DELETE, bulk.Operation.UPDATE_ROLE):
        asked = bulk.Call(operation, [str(id_) for id_ in ids], Role.USER)
        outcome = await bulk.run(running.context, None, asked, Origin())
        codes = {error_code for error_code, _ in outcome.errors.values()}
        assert "LAST_ADMIN" in codes or outcome.succeeded == 2
        left = [row for row in (await rows(people)).values() if (row["role"], row["status"]) == ("admin", "active")]
        assert len(left) == 1


async def broken_off(running: Application, person: Person, ids: list[UUID]) -> None:
    """A call whose process died after its first transaction."""

    class DiedError(Exception):
        pass

    def die(done: int) -> None:
        raise DiedError

    asked = bulk.Call(bulk.Operation.DEACTIVATE, [str(id_) for id_ in ids], key="key")
    with pytest.raises(DiedError):
        await bulk.run(running.context, person.id, asked, Origin(), progress=die)
