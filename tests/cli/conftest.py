"""What tests of the command line start from."""

from pathlib import Path

import pytest

from tests.cli.terminal import Terminal


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal on a machine where Vestibule was never started."""
    return Terminal(tmp_path)
