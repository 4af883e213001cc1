"""Text in a picture, by its height in pixels, in the fonts that documents embed too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from math import ceil
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from converter.page.typefaces import FILES, KANJI, TEXT, needs_kanji, shown

Colour = tuple[int, int, int]
Align = Literal["left", "centre", "right"]
Font = ImageFont.FreeTypeFont

_CAPITAL = 0.729  # height of a capital letter of the fonts, in parts of their size
# Most of what is written stands on the maps of all films of one size.
_FONTS_MAX, _MASKS_MAX, _WIDTHS_MAX = 48, 32, 256
# What stays together: a word, or one kana or kanji with the marks that end it, which never begin a line.
_PIECES = re.compile(r"(?:[\u3040-\u9fff][、。）」：・]*|[^\s\u3040-\u9fff]+)\s*")


def write(
    picture: NDArray[np.uint8],
    text: str,
    x: float,
    baseline: float,
    height: float,
    colour: Colour,
    *,
    bold: bool = False,
    align: Align = "left",
    width_max: float | None = None,
) -> float:
    """Draw one line on a ground of one colour, with capitals `height` pixels tall, smaller if it is wider than
    `width_max`; return its width."""
    width = text_width(text, height, bold=bold)
    while width_max is not None and width > width_max:  # letters stand on whole pixels: widths are not in proportion
        height *= min(0.97, width_max / width)
        width = text_width(text, height, bold=bold)
    left = x - {"left": 0.0, "centre": width / 2, "right": width}[align]
    mask, right, above = _mask(text, height, bold)
    _paint(picture, mask, round(left) + right, round(baseline) - above, colour)
    return width


@lru_cache(_WIDTHS_MAX)
def text_width(text: str, height: float, *, bold: bool = False) -> float:
    return sum(font.getlength(run) for run, font, _ in _runs(text, height, bold))


def wrapped(text: str, height: float, width_max: float) -> list[str]:
    """`text` in lines of at most `width_max`, broken at spaces and between kana and kanji; a word that alone is wider
    has a line of its own."""
    lines = [""]
    for piece in _PIECES.findall(text):
        if lines[-1] and text_width(lines[-1] + piece.rstrip(), height) > width_max:
            lines.append("")
        lines[-1] += piece.lstrip() if not lines[-1] else piece
    return [line.rstrip() for line in lines]


@lru_cache(_MASKS_MAX)
def _mask(text: str, height: float, bold: bool) -> tuple[NDArray[np.uint8], int, int]:
    """How much of each pixel the text covers, as far as there is ink, and where that begins: pixels right of where the
    text begins, and above its baseline (negative below it)."""
    baseline = ceil(2 * height)
    image = Image.new("L", (ceil(text_width(text, height, bold=bold)) + 2, ceil(3 * height)))
    pen, x = ImageDraw.Draw(image), 0.0
    for run, font, smear in _runs(text, height, bold):
        for offset in range(smear + 1):
            pen.text((x + offset, baseline), run, 255, font, anchor="ls")
        x += font.getlength(run)
    box = image.getbbox() or (0, 0, 0, 0)
    return np.asarray(image.crop(box)), box[0], baseline - box[1]


def _paint(picture: NDArray[np.uint8], mask: NDArray[np.uint8], left: int, top: int, colour: Colour) -> None:
    """Lay `colour` over the part of `mask` that lies in the picture, on the colour of its first pixel there."""
    rows = slice(max(0, top), max(0, top + mask.shape[0]))
    columns = slice(max(0, left), max(0, left + mask.shape[1]))
    below = picture[rows, columns]
    seen = mask[max(0, -top) :, max(0, -left) :][: below.shape[0], : below.shape[1]]
    if not seen.size:
        return
    shares = np.linspace(0, 1, 256)[:, np.newaxis]
    colours = np.rint(below[0, 0] * (1 - shares) + np.array(colour) * shares).astype(np.uint8)
    picture[rows, columns] = cv2.LUT(cv2.merge([seen] * 3), colours[np.newaxis])


def _runs(text: str, height: float, bold: bool) -> Iterator[tuple[str, Font, int]]:
    """Parts of `text` that one font has, and how many pixels further it is drawn once more: the font of kanji has no
    bold letters."""
    size = int(4 * height / _CAPITAL) / 4
    for is_kanji, characters in groupby(shown(text), needs_kanji):
        family, style = (KANJI, "") if is_kanji else (TEXT, "B" if bold else "")
        yield "".join(characters), _font(family, style, size), max(1, round(size / 24)) if is_kanji and bold else 0


@lru_cache(_FONTS_MAX)
def _font(family: str, style: str, size: float) -> Font:
    return ImageFont.truetype(FILES[family, style], max(1.0, size), layout_engine=ImageFont.Layout.BASIC)
