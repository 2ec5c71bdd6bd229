"""How often one may still try, as headers say it (draft-ietf-httpapi-ratelimit-headers)."""

from collections.abc import Mapping

from backend.errors import Counted


def rate_headers(left: Counted) -> Mapping[str, str]:
    """Say what is left of a limit: `r` of `q` in a window of `w` seconds, and all of them again in `t` seconds."""
    return {
        "RateLimit": f'"default";r={left.remaining};t={left.resets_in}',
        "RateLimit-Policy": f'"default";q={left.limit};w={left.window}',
    }
