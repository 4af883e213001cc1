"""The heat map that a radiologist sees: radiograph, attention in colour, and what it means beside the anatomy.

What is written stands in the middle of strips above and below the film: viewers write into the corners.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from converter.result.findings import Algorithm, Finding, Point, where_in_words
from converter.result.labels import MODEL, NOTICE
from converter.result.lettering import Colour, text_width, wrapped, write
from converter.result.map_colours import attention_of, overlay
from converter.result.verdict import verdict_on
from converter.result.wording import threshold_percent
from converter.words.catalogue import ENGLISH, Words

# A radiograph smaller than this is enlarged: the caption needs room.
RADIOGRAPH_SIDE_MIN = 720
SIDE_MIN = 320
# Heights of the strips, in units, without remarks; and of each line that remarks take.
HEADER, FOOTER, LINE = 10.6, 10.6, 1.9
# Part of the width that text may take, in the middle.
TEXT_WIDTH = 0.64

GROUND: Colour = (10, 12, 14)
WHITE: Colour = (240, 243, 245)
GRAY: Colour = (168, 176, 184)
AMBER: Colour = (255, 190, 70)
TEAL: Colour = (120, 205, 200)


@dataclass(frozen=True)
class Caption:
    """What a heat map says beside its finding. film: the name of its film, "AP 1"; remarks: on the other films of its
    study, both as `say` has told them."""

    algorithm: Algorithm
    film: str = ""
    remarks: tuple[str, ...] = ()
    say: Words = ENGLISH


@dataclass(frozen=True)
class Layout:
    """Where things are in the picture, in pixels: the radiograph covers [top:top+rows, left:left+columns]."""

    width: int
    height: int
    left: int
    top: int
    columns: int
    rows: int
    unit: float  # height of a small capital letter

    def to_picture(self, preview_shape: tuple[int, ...], points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Pixel centres of the preview (column, row) as pixel centres of the picture."""
        scale = np.array([self.columns / preview_shape[1], self.rows / preview_shape[0]])
        return np.asarray((points + 0.5) * scale - 0.5 + np.array([self.left, self.top]))


def lay_out(preview_shape: tuple[int, ...], side_max: int, lines: int = 0) -> Layout:
    """Radiograph as large as `side_max` allows, a strip for the finding above it and one for the legend below, with so
    many `lines` of remarks."""
    if side_max < SIDE_MIN:
        raise ValueError(f"a heat map needs a side of at least {SIDE_MIN} pixels, {side_max} were allowed")
    rows, columns = preview_shape[:2]
    grow = max(1.0, RADIOGRAPH_SIDE_MIN / max(rows, columns))
    unit = float(np.clip(0.0135 * min(side_max, max(rows, columns) * grow), 6.5, 26.0))
    header, footer, margin = round(HEADER * unit), round((FOOTER + LINE * lines) * unit), round(unit)
    width_min = min(side_max, round(48 * unit))
    scale = min(grow, max(1, side_max - header - footer) / rows, (side_max - 2 * margin) / columns)
    shown_rows, shown_columns = max(1, int(rows * scale)), max(1, int(columns * scale))
    width = max(shown_columns + 2 * margin, width_min)
    return Layout(
        width=width,
        height=header + shown_rows + footer,
        left=(width - shown_columns) // 2,
        top=header,
        columns=shown_columns,
        rows=shown_rows,
        unit=unit,
    )


def draw_heatmap(
    preview: NDArray[np.uint8],
    cam: NDArray[np.float32] | None,
    finding: Finding,
    caption: Caption,
    preview_to_source: NDArray[np.float64],
    side_max: int,
    lungs: NDArray[np.float32] | None = None,
) -> NDArray[np.uint8]:
    """RGB picture [rows, columns, 3]: overlay and contours on the radiograph, words and legend outside the anatomy.

    `cam`, and `lungs`, the share of lung, cover the same field of view as `preview`; only positive evidence is
    coloured, and none beyond the lungs. Without `cam` the film is shown as it is. The long side of the picture is at
    most `side_max`.
    """
    layout, remarks = _lay_out_with(caption.remarks, preview.shape, side_max)
    picture = np.empty((layout.height, layout.width, 3), dtype=np.uint8)
    cv2.rectangle(picture, (0, 0), (layout.width - 1, layout.height - 1), GROUND, cv2.FILLED)
    radiograph, full_scale = _resized(preview, layout), None
    shown = cv2.cvtColor(radiograph, cv2.COLOR_GRAY2RGB)
    if cam is not None:
        attention, full_scale = attention_of(cam, layout.rows, layout.columns, finding.full_scale, lungs)
        shown = overlay(radiograph, attention)
    picture[layout.top : layout.top + layout.rows, layout.left : layout.left + layout.columns] = shown
    for region in finding.regions if finding.positive else ():
        _draw_contour(picture, layout, preview.shape, preview_to_source, region.outline)
    _draw_header(picture, layout, finding, caption)
    _draw_footer(picture, layout, finding, caption, remarks, full_scale)
    return picture


def _lay_out_with(remarks: Sequence[str], preview_shape: tuple[int, ...], side_max: int) -> tuple[Layout, list[str]]:
    """The layout, and the lines that the remarks take in it."""
    rough = lay_out(preview_shape, side_max, len(remarks))
    lines = [line for one in remarks for line in wrapped(one, rough.unit, TEXT_WIDTH * rough.width)]
    return lay_out(preview_shape, side_max, len(lines)), lines


def to_png(picture: NDArray[np.uint8]) -> bytes:
    """`picture` (RGB) as a PNG file."""
    encoded, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    if not encoded:
        raise ValueError(f"OpenCV could not encode a picture of shape {picture.shape}")
    return data.tobytes()


def _resized(preview: NDArray[np.uint8], layout: Layout) -> NDArray[np.uint8]:
    if preview.shape == (layout.rows, layout.columns):
        return preview
    shrinks = layout.rows < preview.shape[0]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(preview, (layout.columns, layout.rows), interpolation=method), dtype=np.uint8)


def _draw_contour(
    picture: NDArray[np.uint8],
    layout: Layout,
    preview_shape: tuple[int, ...],
    preview_to_source: NDArray[np.float64],
    outline: Sequence[Point],
) -> None:
    """White between two dark lines: seen on a gray display, and by readers who tell no colours apart."""
    to_preview = np.linalg.inv(np.vstack([preview_to_source, [0.0, 0.0, 1.0]]))[:2]
    centres = np.array(outline, dtype=np.float64) - 0.5
    points = layout.to_picture(preview_shape, np.column_stack([centres, np.ones(len(centres))]) @ to_preview.T)
    corners = np.rint(points).astype(np.int32)[:, np.newaxis]
    thickness = max(1, round(layout.unit / 7))
    cv2.polylines(picture, [corners], True, (0, 0, 0), thickness + 2, cv2.LINE_AA)
    cv2.polylines(picture, [corners], True, WHITE, thickness, cv2.LINE_AA)


def _draw_header(picture: NDArray[np.uint8], layout: Layout, finding: Finding, caption: Caption) -> None:
    unit, middle, room, say = layout.unit, layout.width / 2, TEXT_WIDTH * layout.width, caption.say
    verdict, colour = verdict_on(finding, say), AMBER if finding.positive else TEAL
    title = f"{verdict.finding} {verdict.percent} %"
    write(picture, title, middle, 2.9 * unit, 1.8 * unit, WHITE, bold=True, align="centre", width_max=room)
    half = text_width(verdict.call, 1.35 * unit, bold=True) / 2 + unit
    corners = (round(middle - half), round(3.9 * unit)), (round(middle + half), round(6.5 * unit))
    cv2.rectangle(picture, *corners, colour, max(1, round(unit / 7)), cv2.LINE_AA)
    write(picture, verdict.call, middle, 5.85 * unit, 1.35 * unit, colour, bold=True, align="centre")
    told = " - ".join(filter(None, (caption.film, where_in_words(finding.regions, finding.unplaced, say))))
    write(picture, told, middle, 8.2 * unit, 1.1 * unit, WHITE, align="centre", width_max=room)
    explained = say("Probability; present at or above {threshold} %", threshold=threshold_percent(finding.threshold))
    write(picture, explained, middle, 9.9 * unit, 0.9 * unit, GRAY, align="centre", width_max=room)


def _draw_footer(
    picture: NDArray[np.uint8],
    layout: Layout,
    finding: Finding,
    caption: Caption,
    remarks: Sequence[str],
    full_scale: float | None,
) -> None:
    unit, middle, room, say = layout.unit, layout.width / 2, TEXT_WIDTH * layout.width, caption.say
    top = layout.top + layout.rows
    explained = say("No map: the finding is absent")
    if full_scale is not None:
        _draw_scale(picture, layout, full_scale, say)
        explained = say("Class activation (logit units)")
    if finding.positive and finding.regions:
        explained += f"; {say('line: half of full colour' if finding.full_scale else 'line: region of attention')}"
    write(picture, explained, middle, top + 5.2 * unit, 0.9 * unit, GRAY, align="centre", width_max=room)
    algorithm = caption.algorithm
    model = say(MODEL, name=algorithm.name, version=algorithm.version)
    lines = [(model, WHITE), *((one, AMBER) for one in remarks)]
    for number, (line, colour) in enumerate(lines):
        baseline = top + (7.1 + LINE * number) * unit
        write(picture, line, middle, baseline, unit, colour, align="centre", width_max=room)
    baseline = top + (9.3 + LINE * len(remarks)) * unit
    write(picture, say(NOTICE), middle, baseline, 1.1 * unit, AMBER, bold=True, align="centre", width_max=room)


def _draw_scale(picture: NDArray[np.uint8], layout: Layout, full_scale: float, say: Words) -> None:
    """The colours, from none to full, with the activations that they stand for."""
    unit, middle, room = layout.unit, layout.width / 2, TEXT_WIDTH * layout.width
    top = layout.top + layout.rows
    bar_top, bar_bottom = round(top + 0.9 * unit), round(top + 2.0 * unit)
    low, high = say("low"), say("high")
    words = max(text_width(low, unit), text_width(high, unit)) + 0.8 * unit
    bar_left, bar_right = round(middle - room / 2 + words), round(middle + room / 2 - words)
    write(picture, low, bar_left - 0.8 * unit, bar_bottom, unit, GRAY, align="right")
    write(picture, high, bar_right + 0.8 * unit, bar_bottom, unit, GRAY)
    ramp = np.linspace(0, 1, bar_right - bar_left, dtype=np.float32)[np.newaxis].repeat(bar_bottom - bar_top, axis=0)
    picture[bar_top:bar_bottom, bar_left:bar_right] = overlay(np.full(ramp.shape, 150, np.uint8), ramp)
    cv2.rectangle(picture, (bar_left, bar_top), (bar_right, bar_bottom), GRAY, 1)
    for fraction in (0.0, 0.5, 1.0):
        x = bar_left + fraction * (bar_right - bar_left)
        cv2.line(picture, (round(x), bar_bottom), (round(x), bar_bottom + round(0.4 * unit)), GRAY, 1)
        stated = f"{fraction * full_scale:.1f}"
        write(picture, stated, x, bar_bottom + 1.5 * unit, 0.8 * unit, GRAY, align="centre")
