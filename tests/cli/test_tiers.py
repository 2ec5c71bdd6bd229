"""`tiers` and `users tier`."""

from tests.cli.terminal import Terminal


async def test_tiers_are_made_limited_given_and_deleted(terminal: Terminal) -> None:
    await terminal.sign_up("ana", "ben")
    nothing = terminal.run("tiers", "list")
    assert (nothing.code, nothing.out) == (0, "")
    assert nothing.err == "There are no tiers, so API use is not limited. Create one with `tiers create`.\n"
    assert terminal.run("tiers", "create", "gold").out == "gold: created\n"
    assert terminal.run("tiers", "create", "Gold").err.startswith("A tier with this name already exists.")
    added = terminal.run("tiers", "limit", "add", "gold", "/api/v1/users/", "1000", "60", "--json").json["limit"]
    assert (added["path"], added["limit"], added["period"]) == ("/api/v1/users", 1000, 60)
    refused = terminal.run("tiers", "limit", "add", "gold", "/api", "0", "60")
    assert (refused.code, refused.err) == (
        1,
        "A limit must allow 1 to 1,000,000,000 requests.\n",
    )
    assert terminal.run("tiers", "limit", "add", "gold", "/api/of-an-app", "1", "1", "--json").code == 0
    unknown = terminal.run("tiers", "list", "--json").json["tiers"][0]["limits"][0]
    assert terminal.run("tiers", "limit", "remove", "gold", str(unknown["id"])).code == 0
    given = terminal.run("users", "tier", "gold", "ana", "ben", "nobody")
    assert (given.code, given.out, given.err) == (1, "ana: tier gold\nben: tier gold\n", "nobody: User not found\n")
    assert terminal.run("tiers", "default", "gold").out == "gold: now the default tier\n"
    told = terminal.run("tiers", "list").out.splitlines()
    assert told == [
        "name\tdefault\taccounts\tlimits",
        f"gold\tyes\t2\t{added['id']}: /api/v1/users 1,000 in 60 s",
    ]
    in_use = terminal.run("tiers", "delete", "gold")
    assert (in_use.code, in_use.err.partition(". ")[0]) == (1, "2 accounts have the tier gold: ana and ben")
    assert terminal.run("users", "tier", "none", "ana", "ben").out == "ana: no tier\nben: no tier\n"
    assert terminal.run("tiers", "default", "gold", "--no-more").out == "gold: no longer the default tier\n"
    removed = terminal.run("tiers", "limit", "remove", "gold", str(added["id"]))
    assert removed.out == f"Limit {added['id']} was removed: {added['id']}: /api/v1/users 1,000 in 60 s.\n"
    assert terminal.run("tiers", "delete", "gold", "--json").json["tier"]["limits"] == []
    assert terminal.run("tiers", "delete", "gold").err == "Tier not found\n"
