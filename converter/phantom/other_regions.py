"""Drawn radiographs of what is no frontal chest: limbs, hands, pelvis, spine, skull, jaw, breast, belly, side views.

Each draws one picture, uint8 [rows, columns] of at most SIDE by SIDE, 0 = black; everything that varies comes from
`rng`. A body is made of rods: solids along a line of points, of soft tissue or of bone. What a ray passes adds up, so
that a rod is brightest along its middle, and a bone has a brighter rim where the ray runs along its hard shell.
Points, radii and thickness are shares of SIDE, x to the right, y downwards.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
Thickness = NDArray[np.float32]
Point = tuple[float, float]

SIDE = 160
Y, X = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) / SIDE


def limb(rng: np.random.Generator) -> Gray:
    """Upper arm or thigh (one bone), forearm or lower leg (two), perhaps with a joint."""
    start, end = _point(rng, 0.5, -0.2, 0.25), _point(rng, 0.5, 1.2, 0.25)
    width = rng.uniform(0.10, 0.38)
    body = 0.8 * rod([start, end], [width * rng.uniform(0.8, 1.2), width])
    bones = int(rng.integers(1, 3))
    joint = rng.uniform(0.2, 0.8) if rng.random() < 0.6 else None
    for bone in range(bones):
        aside = (bone - (bones - 1) / 2) * width * rng.uniform(0.5, 0.9)
        a, b = (start[0] + aside, start[1]), (end[0] + aside, end[1])
        thick = width * rng.uniform(0.18, 0.32) / math.sqrt(bones)
        if joint is None:
            body += shell([a, b], [thick, thick])
            continue
        middle, gap = _between(a, b, joint), rng.uniform(0.008, 0.02)
        for part, towards in ((a, -1), (b, 1)):
            near = (middle[0], middle[1] + towards * (gap + thick * 1.3))
            body += shell([part, _between(part, near, 0.8), near], [thick, thick, thick * rng.uniform(1.3, 1.9)])
    return expose(body, rng)


def hand(rng: np.random.Generator) -> Gray:
    """Five rays of bones from a wrist; a foot from above looks much the same."""
    wrist, length = (rng.uniform(0.42, 0.58), rng.uniform(0.8, 1.0)), rng.uniform(0.5, 0.8)
    width = rng.uniform(0.022, 0.04)
    body = 0.5 * rod([(wrist[0], 1.3), wrist], [0.13, 0.12]) + 0.4 * rod([wrist, _up(wrist, 0.25)], [0.12, 0.17])
    for bone in (-0.05, 0.05):
        body += shell([(wrist[0] + bone, 1.3), (wrist[0] + bone, wrist[1] + 0.03)], [0.035, 0.045])
    for _ in range(8):
        body += shell([_point(rng, wrist[0], wrist[1] - 0.03, 0.07)] * 2, [0.028, 0.028])
    for ray, angle in enumerate(np.linspace(-0.5, 0.5, 5) * rng.uniform(0.5, 1.3)):
        reach = length * (0.7 if ray == 0 else 1 - 0.08 * abs(ray - 2.3))
        points = [
            (wrist[0] + reach * share * math.sin(angle), wrist[1] - 0.08 - reach * share * math.cos(angle))
            for share in (0, 0.42, 0.45, 0.68, 0.71, 0.86, 0.88, 1)
        ]
        body += 0.4 * rod(points, [width * 1.9] * len(points))
        for a, b in zip(points[::2], points[1::2], strict=True):
            body += shell([a, _between(a, b, 0.15), _between(a, b, 0.85), b], [width, width * 0.7, width * 0.7, width])
    return expose(body, rng)


def pelvis(rng: np.random.Generator) -> Gray:
    """Two wings, two rings, a sacrum, two thighs; sometimes only the half with one hip."""
    body = 1.2 * rod([(0.2, 0.45), (0.8, 0.45)], [0.42, 0.42])
    for side in (-1, 1):
        hip = (0.5 + side * rng.uniform(0.2, 0.25), rng.uniform(0.5, 0.6))
        body += 0.9 * shell([(0.5 + side * 0.1, 0.3), (0.5 + side * 0.3, 0.12), hip], [0.05, 0.1, 0.05])
        ring = np.hypot(X - (0.5 + side * 0.12), (Y - 0.72) / 1.2)
        body += (0.25 * np.exp(-(((ring - 0.09) / 0.02) ** 2))).astype(np.float32)
        thigh = (hip[0] + side * 0.15, hip[1] + 0.1)
        body += 0.8 * rod([hip, (thigh[0], 1.3)], [0.16, 0.14])
        body += shell([hip, hip, thigh, (thigh[0] - side * 0.03, 1.3)], [0.06, 0.05, 0.045, 0.04])
    body += shell([(0.5, -0.1), (0.5, 0.3), (0.5, 0.5)], [0.06, 0.07, 0.03])
    return expose(body, rng, crop=rng.random() < 0.4)


def spine(rng: np.random.Generator) -> Gray:
    """A column of vertebrae from the front or from the side, of the neck or of the loins."""
    lateral = rng.random() < 0.5
    count, width = int(rng.integers(4, 9)), rng.uniform(0.06, 0.15)
    bend, middle, trunk = rng.uniform(-0.12, 0.12), rng.uniform(0.35, 0.65), rng.uniform(0.15, 0.6)
    body = 1.1 * rod([(0.5, -0.3), (0.5, 1.3)], [trunk, trunk * rng.uniform(0.8, 1.3)])
    high = 1.1 / count
    for number in range(count + 1):
        y = -0.05 + number * high
        x = middle + bend * math.sin(math.pi * y)
        body += 3.0 * box((x, y), (width, high * 0.38), rng.uniform(-0.15, 0.15))
        if lateral:
            body += 0.6 * shell([(x + width, y), (x + width * 2.2, y + high * 0.3)], [0.03, 0.02])
        else:
            body += 0.3 * shell([(x - width * 2, y), (x + width * 2, y)], [0.015, 0.015])
            body += 0.4 * shell([(x, y), (x, y + high * 0.2)], [0.02, 0.02])
    return expose(body, rng)


def skull(rng: np.random.Generator) -> Gray:
    """A vault with a face below or beside it, on a neck."""
    centre, wide, high = _point(rng, 0.5, 0.42, 0.08), rng.uniform(0.27, 0.4), rng.uniform(0.3, 0.42)
    away = np.hypot((X - centre[0]) / wide, (Y - centre[1]) / high)
    vault = np.sqrt(np.clip(1 - away**2, 0, None)) - 0.75 * np.sqrt(np.clip(1 - (away / 0.93) ** 2, 0, None))
    body = (1.6 * vault).astype(np.float32) + 0.7 * rod([centre, (centre[0], 1.3)], [0.2, 0.17])
    aside = rng.uniform(0.1, 0.25) * float(rng.choice([-1, 1])) if rng.random() < 0.5 else 0.0
    face = (centre[0] + aside, centre[1] + high * 0.7)
    body += 0.8 * rod([face, (face[0], face[1] + 0.12)], [0.17, 0.12])
    for x in (-0.1, 0.1):
        body -= 0.5 * rod([(face[0] + x, face[1] - 0.1)] * 2, [0.07, 0.07])
    body -= 0.4 * rod([(face[0], face[1] - 0.05), (face[0], face[1] + 0.06)], [0.03, 0.04])
    body += shell(
        [(face[0] - 0.15, face[1] + 0.08), (face[0], face[1] + 0.25), (face[0] + 0.15, face[1] + 0.08)], [0.03] * 3
    )
    for number in range(5):
        body += 2.0 * box((centre[0] - aside / 2, centre[1] + high + 0.08 * number), (0.07, 0.03), 0)
    return expose(np.clip(body, 0, None), rng)


def jaw(rng: np.random.Generator) -> Gray:
    """A panorama of teeth, wide and low."""
    body = 0.6 * rod([(-0.1, 0.5), (1.1, 0.5)], [0.45, 0.45])
    curve = rng.uniform(0.3, 0.8)
    for row, towards in ((0.46, -1), (0.54, 1)):
        for x in np.linspace(0.16, 0.84, 15):
            y = row + curve * (0.12 - (x - 0.5) ** 2) * 0.5
            body += 0.8 * shell([(x, y), (x, y + towards * 0.12)], [0.02, 0.008])
    arch = [(x, 0.78 - curve * (x - 0.5) ** 2 * 1.2) for x in np.linspace(0.03, 0.97, 9)]
    body += shell(arch, [0.06] * 9)
    for x in (0.04, 0.96):
        body += shell([(x, 0.7), (x, 0.15)], [0.07, 0.05])
    return expose(body, rng)


def breast(rng: np.random.Generator) -> Gray:
    """Half an ellipse on one edge, on black, with strands and dots."""
    right = rng.random() < 0.5
    high, deep, middle = rng.uniform(0.25, 0.5), rng.uniform(0.3, 0.85), rng.uniform(0.4, 0.6)
    away = np.hypot((1 - X if right else X) / deep, (Y - middle) / high)
    texture = cv2.GaussianBlur(rng.standard_normal((SIDE, SIDE)).astype(np.float32), (0, 0), float(rng.uniform(1, 6)))
    body = np.sqrt(np.clip(1 - away**2, 0, None)) * (1 + rng.uniform(0.5, 3) * texture)
    if rng.random() < 0.5:
        edge = (1 - X if right else X) + rng.uniform(0.5, 1) * Y
        body = body + (edge < rng.uniform(0.2, 0.5)) * rng.uniform(0.3, 1)
    return expose(np.clip(body, 0, None).astype(np.float32), rng, inside=False)


def abdomen(rng: np.random.Generator) -> Gray:
    """A trunk without lungs: spine, lower ribs, pelvic wings, bubbles of gas."""
    body = 1.3 * rod([(0.5, -0.3), (0.5, 1.3)], [0.47, 0.47])
    for number in range(6):
        body += 2.2 * box((0.5, number * 0.17), (0.07, 0.06), 0)
    for side in (-1, 1):
        body += 0.7 * shell(
            [(0.5 + side * 0.15, 0.95), (0.5 + side * 0.35, 0.75), (0.5 + side * 0.35, 1.1)], [0.08] * 3
        )
        body += 0.3 * shell([(0.5 + side * 0.06, 0.05), (0.5 + side * 0.4, 0.2)], [0.025, 0.02])
    for _ in range(int(rng.integers(3, 16))):
        at, size = _point(rng, 0.5, 0.5, 0.35), rng.uniform(0.015, 0.08)
        body -= 0.5 * rod([at, _point(rng, *at, 0.06)], [size, size])
    return expose(np.clip(body, 0, None), rng)


def lateral_chest(rng: np.random.Generator) -> Gray:
    """A trunk from the side: spine behind, breastbone before, lungs over each other, heart in front, dome below."""
    front, back = rng.uniform(0.12, 0.25), rng.uniform(0.72, 0.86)
    middle, deep = (front + back) / 2, (back - front) / 2
    body = 1.4 * rod([(middle, -0.1), (middle, 1.2)], [deep * 1.05, deep * 1.15])
    tall = rng.uniform(0.32, 0.42)
    lung = np.sqrt(np.clip(1 - ((X - middle) / (deep * 0.85)) ** 2 - ((Y - 0.5) / tall) ** 2, 0, None))
    low = rng.uniform(0.68, 0.8) + 0.5 * (X - middle) ** 2 + rng.uniform(-0.2, 0.3) * (X - middle)
    dome = low > Y
    body -= ((0.9 + rng.uniform(-0.15, 0.15)) * lung * dome).astype(np.float32)
    heart = (middle - deep * rng.uniform(0.15, 0.45), rng.uniform(0.55, 0.66))
    body += 0.45 * rod([heart, (heart[0] + 0.08, heart[1] - 0.1)], [rng.uniform(0.1, 0.17), 0.1])
    body += 0.25 * rod([(middle, 0.38), (middle + 0.03, 0.46)], [0.06, 0.05])
    for number in range(11):
        y = 0.08 + number * 0.085
        x = back - deep * 0.28 + 0.06 * math.sin(3 * y)
        body += 1.2 * box((x, y), (0.05, 0.03), 0.1)
        body += 0.25 * shell([(x, y), (middle, y + 0.1), (front + 0.05, y + 0.16)], [0.014] * 3)
    body += 0.3 * shell([(front + 0.03, 0.25), (front, 0.65)], [0.02, 0.02])
    if rng.random() < 0.6:
        body += 0.6 * rod([(middle + 0.05, 0.15), (front - 0.1, -0.2)], [0.1, 0.09])
    picture = expose(np.clip(body, 0, None), rng)
    return np.ascontiguousarray(picture[:, ::-1]) if rng.random() < 0.5 else picture


BODY_PARTS: tuple[Callable[[np.random.Generator], Gray], ...] = (
    limb, limb, hand, pelvis, spine, skull, skull, jaw, breast, abdomen,
)  # fmt: skip


def rod(points: Sequence[Point], radii: Sequence[float]) -> Thickness:
    """Thickness [SIDE, SIDE] of a solid along `points`, with a radius at each."""
    thickness = np.zeros((SIDE, SIDE), np.float32)
    pairs = zip(points, points[1:], radii, radii[1:], strict=False)
    for (ax, ay), (bx, by), first, second in pairs:
        dx, dy = bx - ax, by - ay
        along = np.clip(((X - ax) * dx + (Y - ay) * dy) / max(dx * dx + dy * dy, 1e-9), 0, 1)
        radius = first + (second - first) * along
        away = np.hypot(X - ax - along * dx, Y - ay - along * dy)
        thickness = np.maximum(thickness, 2 * np.sqrt(np.clip(radius**2 - away**2, 0, None)))
    return np.asarray(thickness, np.float32)


def shell(points: Sequence[Point], radii: Sequence[float]) -> Thickness:
    """Thickness [SIDE, SIDE] of a bone, weighted by density: 3.0 in its shell, 1.2 inside."""
    inner = rod(points, [0.7 * radius for radius in radii])
    return np.asarray(3.0 * rod(points, radii) - 1.8 * inner, np.float32)


def box(centre: Point, half: Point, angle: float) -> Thickness:
    """Thickness [SIDE, SIDE] of a vertebra: a block, turned by `angle` (radians), with a brighter rim."""
    x, y = X - centre[0], Y - centre[1]
    u, v = x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)
    away = np.maximum(np.abs(u) / half[0], np.abs(v) / half[1])
    return np.asarray(0.12 * (away < 1) + 0.08 * ((away < 1) & (away > 0.8)), np.float32)


def expose(body: Thickness, rng: np.random.Generator, inside: bool = True, crop: bool = False) -> Gray:
    """The radiograph of `body`: exposure, scatter, noise, collimation; `inside` moves, turns and stretches it, `crop`
    keeps a lower left part."""
    film = 1 - np.exp(-body / max(float(np.percentile(body, 99)), 1e-6) * rng.uniform(0.5, 2.5))
    film = film + rng.uniform(0, 0.25) * cv2.GaussianBlur(film, (0, 0), 12)
    low, high = float(film.min()), float(np.percentile(film, rng.uniform(97, 100)))
    film = np.clip((film - low) / max(high - low, 1e-6), 0, 1) ** math.exp(rng.uniform(-0.7, 0.6))
    film = np.asarray(film * rng.uniform(0.75, 1) + rng.uniform(0, 0.2), np.float32)
    grain = cv2.GaussianBlur(rng.standard_normal(film.shape).astype(np.float32), (0, 0), float(rng.uniform(0.4, 2)))
    film = cv2.GaussianBlur(film, (0, 0), float(rng.uniform(0.3, 1.5))) + rng.uniform(0, 0.06) * grain
    if crop:
        film = film[int(SIDE * 0.2) :, : int(SIDE * 0.6)]
    if inside:
        film = _placed(film, rng)
    if rng.random() < 0.35:
        film = _collimated(film, rng)
    gray = np.asarray(np.round(np.clip(film, 0, 1) * 255), np.uint8)
    if rng.random() < 0.3:
        at = rng.integers(8, SIDE - 30, 2).tolist()
        cv2.putText(gray, "RL"[rng.integers(0, 2)], at, 0, float(rng.uniform(0.4, 0.9)), 255, 2)
    return gray


def _placed(film: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    rows, columns = film.shape
    turn = float(rng.normal(0, 12) + 90 * rng.integers(0, 4) * (rng.random() < 0.3))
    affine = np.array(cv2.getRotationMatrix2D((columns / 2, rows / 2), turn, float(rng.uniform(0.75, 1.6))), np.float64)
    affine[:, 2] += rng.uniform(-0.15, 0.15, 2) * (columns, rows)
    affine[0] *= rng.uniform(0.7, 1.4)
    return np.asarray(cv2.warpAffine(film, affine, (columns, rows), borderMode=cv2.BORDER_REPLICATE), np.float32)


def _collimated(film: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    framed = np.full_like(film, float(rng.choice([0.0, 1.0])))
    rows, columns = film.shape
    top, left = int(rng.uniform(0, 0.25) * rows), int(rng.uniform(0, 0.3) * columns)
    bottom, right = rows - int(rng.uniform(0, 0.25) * rows), columns - int(rng.uniform(0, 0.3) * columns)
    framed[top:bottom, left:right] = film[top:bottom, left:right]
    return framed


def _point(rng: np.random.Generator, x: float, y: float, spread: float) -> Point:
    return (x + rng.uniform(-spread, spread), y + rng.uniform(-spread, spread))


def _between(a: Point, b: Point, share: float) -> Point:
    return (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share)


def _up(point: Point, share: float) -> Point:
    return (point[0], point[1] - share)
