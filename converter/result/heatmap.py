"""The heat map that a radiologist sees: radiograph, attention in colour, and what it means beside the anatomy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from converter.result.findings import Algorithm, Finding, Point
from converter.result.lettering import Colour, text_width, write
from converter.result.regions import evidence
from converter.result.wording import percent, threshold_percent

# Attention is coloured from zero up to its maximum in this image, at least up to this activation (in logits). A fixed
# least maximum keeps a faint response faint; 4 logits everywhere would be a probability of 98 %.
FULL_SCALE_MIN = 4.0
OPACITY_MAX = 0.62
# A radiograph smaller than this is enlarged: the caption needs room.
RADIOGRAPH_SIDE_MIN = 720
SIDE_MIN = 320

_GROUND: Colour = (10, 12, 14)
_WHITE: Colour = (240, 243, 245)
_GRAY: Colour = (168, 176, 184)
_AMBER: Colour = (255, 190, 70)
_TEAL: Colour = (120, 205, 200)
_BOX: Colour = (120, 225, 255)

NOTICE = "RESEARCH USE ONLY - NOT FOR DIAGNOSIS"


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


def lay_out(preview_shape: tuple[int, ...], side_max: int) -> Layout:
    """Radiograph as large as `side_max` allows, a strip for the finding above it and one for the legend below."""
    if side_max < SIDE_MIN:
        raise ValueError(f"a heat map needs a side of at least {SIDE_MIN} pixels, {side_max} were allowed")
    rows, columns = preview_shape[:2]
    grow = max(1.0, RADIOGRAPH_SIDE_MIN / max(rows, columns))
    unit = float(np.clip(0.0135 * min(side_max, max(rows, columns) * grow), 6.5, 26.0))
    header, footer, margin = round(7.4 * unit), round(11.8 * unit), round(unit)
    width_min = min(side_max, round(44 * unit))
    scale = min(grow, (side_max - header - footer) / rows, (side_max - 2 * margin) / columns)
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
    cam: NDArray[np.float32],
    finding: Finding,
    algorithm: Algorithm,
    preview_to_source: NDArray[np.float64],
    side_max: int,
) -> NDArray[np.uint8]:
    """RGB picture [rows, columns, 3]: overlay and box on the radiograph, caption and legend outside the anatomy.

    `cam` covers the same field of view as `preview`; only positive evidence is coloured. The long side of the picture
    is at most `side_max`.
    """
    layout = lay_out(preview.shape, side_max)
    picture = np.empty((layout.height, layout.width, 3), dtype=np.uint8)
    cv2.rectangle(picture, (0, 0), (layout.width - 1, layout.height - 1), _GROUND, cv2.FILLED)
    attention, full_scale = _attention(cam, layout.rows, layout.columns)
    radiograph = _resized(preview, layout)
    picture[layout.top : layout.top + layout.rows, layout.left : layout.left + layout.columns] = overlay(
        radiograph, attention
    )
    if finding.positive and finding.region is not None:
        _draw_box(picture, layout, preview.shape, preview_to_source, finding.region)
    _draw_header(picture, layout, finding)
    _draw_footer(picture, layout, finding, algorithm, full_scale)
    return picture


def map_layer(gray: NDArray[np.uint8], cam: NDArray[np.float32]) -> NDArray[np.uint8]:
    """RGBA picture of the size of `gray`: laid over it, it looks as `draw_heatmap` colours it; with less opacity, less.

    `cam` covers the same field of view as `gray`.
    """
    levels = _levels(_attention(cam, *gray.shape)[0])
    opacity = OPACITY_MAX * _opacity(np.linspace(0, 1, 256, dtype=np.float32))
    colours, light = _palette().astype(np.float32)[levels], gray.astype(np.float32)[..., np.newaxis]
    shown = np.rint(colours * (0.42 + 0.58 * light / 255 + 0.10)).clip(0, 255)
    layer = np.dstack([shown, np.rint(255 * opacity)[levels]]).astype(np.uint8)
    layer[layer[..., 3] == 0] = 0  # what is not seen makes no large file
    return layer


def _attention(cam: NDArray[np.float32], rows: int, columns: int) -> tuple[NDArray[np.float32], float]:
    """Attention of 0..1 in each pixel, and the activation that 1 stands for."""
    attention = evidence(cam, rows, columns)
    full_scale = max(FULL_SCALE_MIN, float(attention.max()))
    return attention / np.float32(full_scale), full_scale


def _levels(attention: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.clip(attention * 255, 0, 255).astype(np.uint8)


def overlay(gray: NDArray[np.uint8], attention: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Colour `gray` by `attention` 0..1; the more attention the more colour, and the anatomy always shows through."""
    levels = _levels(attention)
    pairs = np.ascontiguousarray(cv2.merge([gray, levels]).view("<u2")[..., 0])
    return np.asarray(cv2.merge([cv2.LUT(pairs, channel) for channel in _blended_pairs()]), np.uint8)


def blend(gray: NDArray[np.uint8], levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The colours of `gray` under attention of 0..255, as RGB along a new last axis."""
    colours = _palette()[levels].astype(np.float32)
    opacity = (OPACITY_MAX * _opacity(np.linspace(0, 1, 256, dtype=np.float32)))[levels][..., np.newaxis]
    light = gray.astype(np.float32)[..., np.newaxis]
    # the colour carries part of the radiograph's own brightness, so that edges stay visible under it
    tinted = colours * (0.42 + 0.58 * light / 255)
    return np.asarray(
        np.rint(light * (1 - opacity) + tinted * opacity + 0.10 * opacity * colours).clip(0, 255), np.uint8
    )


@cache
def _blended_pairs() -> tuple[NDArray[np.uint8], ...]:
    """Red, green and blue of every gray and level, at index gray + 256 * level."""
    levels, gray = np.indices((256, 256), dtype=np.uint8)
    return tuple(np.ascontiguousarray(channel) for channel in blend(gray, levels).reshape(-1, 3).T)


def to_png(picture: NDArray[np.uint8]) -> bytes:
    """`picture` (RGB) as a PNG file."""
    encoded, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    if not encoded:
        raise ValueError(f"OpenCV could not encode a picture of shape {picture.shape}")
    return data.tobytes()


def _palette() -> NDArray[np.uint8]:
    """256 RGB colours, evenly perceived (inferno), without the near-black end that a radiograph would swallow."""
    ramp = np.linspace(70, 246, 256).astype(np.uint8)[np.newaxis]
    return np.ascontiguousarray(cv2.cvtColor(cv2.applyColorMap(ramp, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)[0])


def _opacity(attention: NDArray[np.float32]) -> NDArray[np.float32]:
    """From nothing at no attention to 1, smoothly: no visible edge where colour begins."""
    rising = np.clip((attention - 0.1) / 0.6, 0, 1)
    return np.asarray(rising * rising * (3 - 2 * rising), dtype=np.float32)


def _resized(preview: NDArray[np.uint8], layout: Layout) -> NDArray[np.uint8]:
    if preview.shape == (layout.rows, layout.columns):
        return preview
    shrinks = layout.rows < preview.shape[0]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(preview, (layout.columns, layout.rows), interpolation=method), dtype=np.uint8)


def _draw_box(
    picture: NDArray[np.uint8],
    layout: Layout,
    preview_shape: tuple[int, ...],
    preview_to_source: NDArray[np.float64],
    region: tuple[Point, ...],
) -> None:
    to_preview = np.linalg.inv(np.vstack([preview_to_source, [0.0, 0.0, 1.0]]))[:2]
    centres = np.array(region, dtype=np.float64) - 0.5
    points = layout.to_picture(preview_shape, np.column_stack([centres, np.ones(len(centres))]) @ to_preview.T)
    corners = np.rint(points).astype(np.int32)[:, np.newaxis]
    thickness = max(2, round(layout.unit / 6))
    cv2.polylines(picture, [corners], True, (0, 0, 0), thickness + 2, cv2.LINE_AA)
    cv2.polylines(picture, [corners], True, _BOX, thickness, cv2.LINE_AA)


def _draw_header(picture: NDArray[np.uint8], layout: Layout, finding: Finding) -> None:
    unit, margin, right = layout.unit, round(1.4 * layout.unit), layout.width - round(1.4 * layout.unit)
    verdict, colour = ("PRESENT", _AMBER) if finding.positive else ("ABSENT", _TEAL)
    verdict_width = text_width(verdict, 1.5 * unit, bold=True)
    title = f"{finding.concept.meaning}: {percent(finding.probability, finding.threshold)} %"
    room = right - margin - verdict_width - 3.5 * unit
    write(picture, title, margin, 3.4 * unit, 2.0 * unit, _WHITE, bold=True, width_max=room)
    box_left = round(right - verdict_width - 1.4 * unit)
    top_left, bottom_right = (box_left, round(0.9 * unit)), (right, round(4.0 * unit))
    cv2.rectangle(picture, top_left, bottom_right, colour, max(1, round(unit / 7)), cv2.LINE_AA)
    write(picture, verdict, (box_left + right) / 2, 3.2 * unit, 1.5 * unit, colour, bold=True, align="centre")
    explained = f"Probability; present at or above {threshold_percent(finding.threshold)} %"
    if finding.place is not None:
        explained += f"; {finding.place.words}"
    write(picture, explained, margin, 6.0 * unit, unit, _GRAY, width_max=right - margin)


def _draw_footer(
    picture: NDArray[np.uint8], layout: Layout, finding: Finding, algorithm: Algorithm, full_scale: float
) -> None:
    unit, margin, right = layout.unit, round(1.4 * layout.unit), layout.width - round(1.4 * layout.unit)
    top = layout.top + layout.rows
    bar_top, bar_bottom = round(top + 1.2 * unit), round(top + 2.4 * unit)
    low_width = write(picture, "low", margin, bar_bottom, unit, _GRAY)
    high_width = text_width("high attention", unit)
    bar_left, bar_right = round(margin + low_width + unit), round(right - high_width - unit)
    ramp = np.linspace(0, 1, bar_right - bar_left, dtype=np.float32)[np.newaxis].repeat(bar_bottom - bar_top, axis=0)
    picture[bar_top:bar_bottom, bar_left:bar_right] = overlay(np.full(ramp.shape, 150, np.uint8), ramp)
    cv2.rectangle(picture, (bar_left, bar_top), (bar_right, bar_bottom), _GRAY, 1)
    write(picture, "high attention", right, bar_bottom, unit, _GRAY, align="right")
    for fraction in (0.0, 0.5, 1.0):
        x = bar_left + fraction * (bar_right - bar_left)
        cv2.line(picture, (round(x), bar_bottom), (round(x), bar_bottom + round(0.4 * unit)), _GRAY, 1)
        write(picture, f"{fraction * full_scale:.1f}", x, bar_bottom + 1.8 * unit, 0.9 * unit, _GRAY, align="centre")
    explained = f"Class activation towards {finding.concept.meaning} (logit units)"
    if finding.positive and finding.region is not None:
        explained += "; box: region of attention"
    room = right - margin
    write(picture, explained, margin, top + 6.2 * unit, unit, _GRAY, width_max=room)
    model = f"AI model: {algorithm.name} {algorithm.version}"
    write(picture, model, margin, top + 8.3 * unit, unit, _WHITE, width_max=room)
    write(picture, NOTICE, margin, top + 10.7 * unit, 1.15 * unit, _AMBER, bold=True, width_max=room)
