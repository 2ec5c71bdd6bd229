"""The one place that looks at the environment and `.env`: what is set there becomes `Settings`, or is refused."""

import os
from typing import Any

from dotenv import dotenv_values
from pydantic import ValidationError

from backend.errors import SettingsError
from backend.settings import DOTENV, PREFIX, Settings


def load(**overrides: Any) -> Settings:  # noqa: ANN401  # any setting
    """Read the settings from the environment and `.env`; `overrides` win.

    Raises:
        SettingsError: names the setting that is unknown or impossible, and why, without showing its value.
    """
    given = _given()
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for name in sorted(given):
        if name not in known:
            raise SettingsError(f"{name} is not a setting of this version; docs/settings.md lists them all.")
    try:
        return Settings(**overrides)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = PREFIX + str(first["loc"][0]).upper() if first["loc"] else ""
        reason = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{name}: {reason}" if name else reason) from None


def follow_port(port: int) -> None:
    """Let the default of `PUBLIC_URL` name the port that is going to be served, also in worker processes."""
    name = f"{PREFIX}PUBLIC_URL"
    if name not in _given():
        os.environ[name] = f"http://127.0.0.1:{port}"


def _given() -> set[str]:
    return {name.upper() for name in (*os.environ, *dotenv_values(DOTENV)) if name.upper().startswith(PREFIX)}
