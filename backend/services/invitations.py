"""Open places in organizations: offered by mail or by link, taken once, or taken back."""

from datetime import timedelta
from typing import Final

LIFETIME: Final = timedelta(days=14)
