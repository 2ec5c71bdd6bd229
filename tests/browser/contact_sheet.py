"""Photographs every page into one contact sheet, and writes down what axe-core says about each (`make pictures`)."""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from tests.browser import cast
from tests.browser.guest import DESK, PHONE, Guest, open_browser
from tests.browser.stage import Stage
from tests.browser.views import View, views
from tests.machines import programs

PICTURES: Final = Path(__file__).parents[2] / "docs" / "pictures"
DRESSES: Final = tuple((width, scheme) for width in (DESK, PHONE) for scheme in ("light", "dark"))
_TALLEST: Final = 1600
_SMALLER: Final = 4
_GAP: Final = 16
_LABEL: Final = 26
_COLUMNS: Final = 4
_COLOURS: Final = 256
_GROUND: Final = "#8a9490"


@dataclass(frozen=True)
class Frame:
    """One page in its four dresses, and what keeps people out of it."""

    name: str
    pictures: tuple[Image.Image, ...]
    barriers: tuple[str, ...]


def main() -> int:
    """Write the pictures; 0 only if axe-core has nothing to say and no page is wider than its window."""
    program = programs.chromium()
    if program is None:
        sys.stderr.write("Chromium is missing: make pictures gets it.\n")
        return 1
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, open_browser(program) as browser:
        stage = Stage.build(browser, Path(folder), more_waiting=cast.MORE_WAITING)
        try:
            frames = [_photograph(view, stage) for view in views()]
        finally:
            stage.close()
    _small(_sheet(frames)).save(PICTURES / "contact-sheet.png", optimize=True)
    (PICTURES / "axe.md").write_text(_report(frames))
    found = sum(len(frame.barriers) for frame in frames)
    sys.stdout.write(f"{len(frames)} pages in {PICTURES}; {found} findings\n")
    return 1 if found else 0


def _photograph(view: View, stage: Stage) -> Frame:
    guest = view.show(stage)
    pictures, barriers = [], list[str]()
    for width, scheme in DRESSES:
        guest.dress(width, scheme)
        barriers += [f"{width} {scheme}: {sentence}" for sentence in _findings(guest)]
        pictures.append(Image.open(BytesIO(guest.page.screenshot(full_page=True))))
    barriers += guest.complaints()
    return Frame(view.name, tuple(_cut(picture) for picture in pictures), tuple(barriers))


def _findings(guest: Guest) -> Iterator[str]:
    for finding in guest.barriers():
        yield f"{finding['id']}: " + ", ".join(str(node["target"]) for node in finding["nodes"])
    if guest.overflow() > 0:
        yield f"wider than the window by {guest.overflow()} pixels"


def _cut(picture: Image.Image) -> Image.Image:
    """Keep the top of a page and shrink it, phones less than desks."""
    wide = picture.width >= DESK
    top = picture.crop((0, 0, picture.width, min(picture.height, _TALLEST)))
    factor = 1 / _SMALLER if wide else 1.6 / _SMALLER
    return top.resize((round(top.width * factor), round(top.height * factor)), Image.Resampling.LANCZOS)


def _sheet(frames: list[Frame]) -> Image.Image:
    tiles = [_tile(frame) for frame in frames]
    width = max(tile.width for tile in tiles)
    rows = [tiles[start : start + _COLUMNS] for start in range(0, len(tiles), _COLUMNS)]
    heights = [max(tile.height for tile in row) for row in rows]
    size = (_COLUMNS * (width + _GAP) + _GAP, sum(heights) + _GAP * (len(rows) + 1))
    sheet = Image.new("RGB", size, _GROUND)
    top = _GAP
    for row, height in zip(rows, heights, strict=True):
        for column, tile in enumerate(row):
            sheet.paste(tile, (_GAP + column * (width + _GAP), top))
        top += height + _GAP
    return sheet


def _tile(frame: Frame) -> Image.Image:
    """Two desks above two phones, under the name of the page."""
    desks, phones = frame.pictures[:2], frame.pictures[2:]
    pairs = (desks, phones)
    width = max(sum(picture.width for picture in pair) + _GAP for pair in pairs)
    height = _LABEL + sum(max(picture.height for picture in pair) for pair in pairs) + _GAP
    tile = Image.new("RGB", (width, height), _GROUND)
    ImageDraw.Draw(tile).text((0, 2), frame.name, fill="#0b1f1a", font=ImageFont.load_default(17))
    top = _LABEL
    for pair in pairs:
        left = 0
        for picture in pair:
            tile.paste(picture, (left, top))
            left += picture.width + _GAP
        top += max(picture.height for picture in pair) + _GAP
    return tile


def _small(picture: Image.Image) -> Image.Image:
    """Keep few colours, chosen from a smaller copy: from all of so large a picture that takes many minutes."""
    whole = picture.convert("RGB")
    part = whole.resize((whole.width // _SMALLER, whole.height // _SMALLER))
    palette = part.quantize(_COLOURS, Image.Quantize.MEDIANCUT, kmeans=2)
    return whole.quantize(palette=palette, dither=Image.Dither.NONE)


def _report(frames: list[Frame]) -> str:
    checked = f"Each page at {DESK} and {PHONE} pixels, light and dark, by all rules of axe-core."
    lines = ["# What axe-core says about the pages", "", f"{checked} Written by `make pictures`.", ""]
    lines += ["| page | findings |", "| --- | --- |"]
    lines += [f"| {frame.name} | {'<br>'.join(frame.barriers) or 'none'} |" for frame in frames]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
