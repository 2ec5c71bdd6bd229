"""Gets fonts for scripts that few machines can draw, for the pictures, into build/ (Debian, Ubuntu)."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

PLACE: Final = Path(__file__).parents[1] / "build" / "letters"
"""What XDG_DATA_HOME has to name for a program to find them."""
_FONTS: Final = PLACE / "fonts"
_PACKAGES: Final = ("fonts-noto-core", "fonts-droid-fallback", "fonts-nanum")
_SCRIPTS: Final = ("Thai", "Devanagari", "Bengali", "Tamil", "Ethiopic")
_NAMES: Final = (
    *(f"NotoSans{script}-{weight}.ttf" for script in _SCRIPTS for weight in ("Regular", "Bold")),
    "DroidSansFallbackFull.ttf",
    "NanumGothic.ttf",
    "NanumGothicBold.ttf",
)


def main() -> int:
    """Get the fonts that are missing; without them the pictures show boxes, which is no reason to fail."""
    if all((_FONTS / name).exists() for name in _NAMES):
        return 0
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        print("The pictures will show boxes for scripts that this machine has no fonts for.", file=sys.stderr)
        return 0
    print("Downloading fonts …", flush=True)
    _FONTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for command in (["apt-get", "-qq", "update"], ["apt-get", "-qq", "download", *_PACKAGES]):
            subprocess.run(command, cwd=folder, capture_output=True, check=False)  # update needs root, and may be right
        for package in Path(folder).glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", package.name, "."], cwd=folder, check=True)
        for name in _NAMES:
            for found in Path(folder).rglob(name):
                shutil.copy(found, _FONTS / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
