"""Rate limits of tiers: counts an account's requests to paths for which its tier has a limit."""

from backend.context import Context
from backend.errors import Counted, LimitReached
from backend.stores.identities import Identity


def is_free(context: Context, caller: Identity, path: str) -> bool:
    """Tell whether no limit applies to a caller's request for this path, as far as memory knows."""
    return context.tier_book.passes(caller.tier_id, path)


async def spend(context: Context, caller: Identity, path: str) -> Counted | None:
    """Count a request of this caller to this path, and return what is left; None: no limit applies.

    If several limits match, only the one with the most specific path counts.

    Raises:
        LimitReached: the account has none left.
    """
    limit = await context.tier_book.deciding(context.database, caller.tier_id, path)
    if limit is None:
        return None
    count = await context.counters.add(limit, caller.id.hex)
    if not count.within:
        raise LimitReached(retry_after=count.resets_in, limit=limit.amount, window=limit.window)
    return Counted(limit.amount, limit.window, count.remaining, count.resets_in)
