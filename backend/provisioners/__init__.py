"""Plug point: what is prepared for a person who registers. One file a way, one table of names."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from backend.provisioners.base import Kept, Provisioner, Usage
from backend.provisioners.directories import DirectoryProvisioner

PROVISIONERS: Final[Mapping[str, Callable[[Path], Provisioner]]] = {"directories": DirectoryProvisioner}

__all__ = ["PROVISIONERS", "Kept", "Provisioner", "Usage"]
