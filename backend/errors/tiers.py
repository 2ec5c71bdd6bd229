"""What cannot be done to a tier or one of its limits."""

from backend.errors.families import Conflict, NotFound, Unprocessable


class TierNotFound(NotFound):
    """No tier has this name or id."""

    code = "TIER_NOT_FOUND"
    detail = "Tier not found"


class LimitNotFound(NotFound):
    """The tier has no limit of this id."""

    code = "LIMIT_NOT_FOUND"
    detail = "Rate limit not found"


class TierExists(Conflict):
    """A tier of this name, whatever its case, is there already."""

    code = "TIER_EXISTS"
    detail = "A tier with this name already exists. Choose another name."
    field = "name"


class LimitExists(Conflict):
    """The tier has a limit for these very paths."""

    code = "LIMIT_EXISTS"
    detail = "The tier already has a limit for this path. Change that limit, or choose another path."
    field = "path"


class TierInUse(Conflict):
    """Accounts have the tier; `detail` says how many, and some of their names."""

    code = "TIER_IN_USE"
    detail = "Accounts have this tier. Give them another tier or none before you delete it."


class InvalidTier(Unprocessable):
    """A tier cannot be called so; `detail` says why."""

    code = "INVALID_TIER"
    field = "name"


class InvalidLimit(Unprocessable):
    """A limit cannot be so; `detail` says why, `field` which part of it."""

    code = "INVALID_LIMIT"

    def __init__(self, detail: str, field: str) -> None:
        """Say what is wrong, and with what."""
        super().__init__(detail)
        self.field = field  # type: ignore[misc]  # each part of a limit has rules of its own
