"""What a tier allows: requests of an account to the API are counted where a limit of its tier is for their path."""

from backend.context import Context
from backend.errors import Counted, LimitReached
from backend.stores.identities import Identity


def is_free(context: Context, caller: Identity, path: str) -> bool:
    """Tell whether it is known by heart that no limit is for a request of this caller to this path."""
    return context.tier_book.passes(caller.tier_id, path)


async def spend(context: Context, caller: Identity, path: str) -> Counted | None:
    """Count a request of this caller to this path, and tell what is left; None: no limit is for it.

    Of the limits that are for it the one with the closest path decides, and it alone counts.

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
