"""Computes a frontal chest radiograph of nobody: shapes of tissue, the X-rays they absorb, the detector behind them.

Lengths are in centimetres, x from the midline to the picture's right (the patient's left), y downwards from the top
edge. A layer is a map of how many centimetres of one tissue a ray passes through. The same seed gives the same picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Layer = NDArray[np.float32]
Points = Sequence[tuple[float, float]]

PIXEL_CM = 0.024
ROWS, COLUMNS = 1750, 1500
BITS_STORED = 12
# Attenuation per centimetre near 60 keV: water, and what bone has more than water. Lung is water at a quarter density.
WATER_PER_CM, BONE_PER_CM, LUNG_DENSITY = 0.205, 0.42, 0.26

RIGHT_LUNG: Points = (
    (-2.3, 8.8), (-3.1, 6.6), (-5.0, 5.2), (-7.2, 5.8), (-9.4, 8.2), (-11.2, 12.0), (-12.6, 16.5), (-13.5, 21.5),
    (-14.0, 26.5), (-14.0, 31.6), (-12.6, 32.6), (-8.0, 32.0), (-4.2, 31.0), (-2.2, 27.0), (-1.7, 22.0), (-1.7, 17.0),
    (-2.2, 12.5),
)  # fmt: skip
LEFT_LUNG: Points = (
    (2.5, 8.8), (3.2, 6.5), (5.0, 5.1), (7.2, 5.8), (9.3, 8.2), (11.1, 12.0), (12.5, 16.5), (13.3, 21.5),
    (13.8, 26.5), (13.8, 32.2), (12.4, 33.2), (8.0, 32.8), (4.6, 32.0), (2.2, 28.0), (1.7, 22.0), (1.7, 17.0),
    (2.2, 12.5),
)  # fmt: skip
HEART: Points = (
    (-3.3, 19.0), (-4.1, 22.0), (-4.2, 25.0), (-3.4, 27.6), (0.0, 29.2), (5.0, 29.6), (8.0, 28.6), (8.7, 26.4),
    (7.6, 23.0), (5.6, 19.6), (4.0, 17.0), (2.0, 15.6), (-1.5, 15.8),
)  # fmt: skip
MEDIASTINUM: Points = (
    (-2.6, 4.0), (-2.4, 8.0), (-2.7, 12.0), (-3.0, 16.0), (-3.3, 20.0), (-2.5, 29.0), (3.0, 29.0), (3.8, 18.0),
    (3.1, 15.6), (3.5, 14.2), (3.4, 12.7), (2.6, 11.8), (2.3, 8.0), (2.6, 4.0),
)  # fmt: skip
BODY: Points = (
    (-5.6, -3.0), (-5.6, 1.0), (-6.6, 3.0), (-10.5, 4.2), (-14.8, 5.4), (-18.6, 7.8), (-22.0, 12.0), (-22.0, 19.0),
    (-18.4, 19.5), (-16.6, 18.0), (-15.9, 20.0), (-15.8, 27.0), (-16.0, 34.0), (-16.3, 46.0), (16.3, 46.0),
    (16.0, 34.0), (15.8, 27.0), (15.9, 20.0), (16.6, 18.0), (18.4, 19.5), (22.0, 19.0), (22.0, 12.0), (18.6, 7.8),
    (14.8, 5.4), (10.5, 4.2), (6.6, 3.0), (5.6, 1.0), (5.6, -3.0),
)  # fmt: skip
SCAPULA: Points = (
    (9.6, 8.2), (11.0, 7.2), (14.6, 7.4), (15.6, 8.8), (15.0, 10.4), (13.9, 12.5), (13.0, 16.0), (12.2, 20.0),
    (11.5, 20.6), (11.2, 17.0), (10.5, 12.0),
)  # fmt: skip


def draw_radiograph(seed: int = 1895, opacity_cm: float = 5.5) -> NDArray[np.uint16]:
    """The picture as stored: 12 bits, MONOCHROME2 (air dark, bone bright), with a basal opacity in the right lung that
    is `opacity_cm` thick at its densest."""
    random = np.random.default_rng(seed)
    lungs = _pillow(RIGHT_LUNG, 15.0, 3.6) + _pillow(LEFT_LUNG, 15.0, 3.6)
    lungs -= 0.97 * np.minimum(lungs, _dome(-7.2, 26.2) + _dome(7.4, 27.5))
    water = _body(random)
    water -= (1 - LUNG_DENSITY) * lungs
    water += _mediastinum(lungs) + _vessels(random, lungs) + _consolidation(random, lungs, opacity_cm)
    water -= _airways()
    bone = _spine(random) + _ribs() + _clavicles() + _shoulders()
    absorbed = WATER_PER_CM * np.maximum(water, 0) + BONE_PER_CM * bone
    return _marked(_detect(absorbed, random))


def _grid() -> tuple[Layer, Layer]:
    y, x = np.mgrid[0:ROWS, 0:COLUMNS].astype(np.float32)
    return (x - (COLUMNS - 1) / 2) * PIXEL_CM, y * PIXEL_CM


def _pixels(points: Points) -> NDArray[np.float32]:
    xy = np.asarray(points, np.float32)
    return xy / PIXEL_CM + np.array([(COLUMNS - 1) / 2, 0], np.float32)


def _smooth(points: Points, closed: bool, steps: int = 24) -> NDArray[np.float32]:
    """Catmull-Rom curve through the points."""
    p = np.asarray(points, np.float32)
    around = np.concatenate([p[-1:], p, p[:2]]) if closed else np.concatenate([p[:1], p, p[-1:]])
    t = np.linspace(0, 1, steps, endpoint=False, dtype=np.float32)[:, None]
    parts = []
    for a, b, c, d in zip(around, around[1:], around[2:], around[3:], strict=False):
        parts.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * (b - c) + d - a) * t**3))
    return np.concatenate(parts) if closed else np.concatenate([*parts, p[-1:]])


def _filled(points: Points) -> NDArray[np.uint8]:
    mask = np.zeros((ROWS, COLUMNS), np.uint8)
    outline = np.round(_pixels(_smooth(points, closed=True).tolist()) * 16).astype(np.int32)
    cv2.fillPoly(mask, [outline], 255, lineType=cv2.LINE_AA, shift=4)
    return mask


def _blur(layer: Layer, sigma_cm: float) -> Layer:
    return np.asarray(cv2.GaussianBlur(layer, (0, 0), sigma_cm / PIXEL_CM), np.float32)


def _pillow(points: Points, depth_cm: float, rim_cm: float) -> Layer:
    """A rounded solid with this outline: its full depth is reached `rim_cm` inside the edge."""
    inside = cv2.distanceTransform((_filled(points) > 127).astype(np.uint8), cv2.DIST_L2, 5) * PIXEL_CM
    rim = np.clip(inside / rim_cm, 0, 1)
    return _blur((depth_cm * np.sqrt(1 - (1 - rim) ** 2)).astype(np.float32), 0.04)


def _rod(points: Points, width_cm: float, wall_cm: float, marrow: float = 0.3) -> Layer:
    """A bone along a curve: dense wall, spongy inside, so that its edges are brightest."""
    layer = np.zeros((ROWS, COLUMNS), np.float32)
    line = np.round(_pixels(_smooth(points, closed=False).tolist())).astype(np.int32)
    margin = round(width_cm / PIXEL_CM) + 2
    left, top = np.maximum(line.min(axis=0) - margin, 0)
    right, bottom = np.minimum(line.max(axis=0) + margin, (COLUMNS, ROWS))
    if right <= left or bottom <= top:
        return layer
    away = np.full((bottom - top, right - left), 255, np.uint8)
    cv2.polylines(away, [line - (left, top)], False, 0, 1)
    distance = cv2.distanceTransform(away, cv2.DIST_L2, 5) * PIXEL_CM
    outer = np.sqrt(np.maximum((width_cm / 2) ** 2 - distance**2, 0))
    inner = np.sqrt(np.maximum((width_cm / 2 - wall_cm) ** 2 - distance**2, 0))
    layer[top:bottom, left:right] = 2 * (outer - (1 - marrow) * inner)
    return layer


def _clouds(random: np.random.Generator, largest_cm: float, octaves: int, gain: float = 0.55) -> Layer:
    """Fractal noise with mean 0 and deviation 1."""
    total = np.zeros((ROWS, COLUMNS), np.float32)
    for octave in range(octaves):
        cell = max(largest_cm / 2**octave / PIXEL_CM, 1.0)
        coarse = random.standard_normal((int(ROWS / cell) + 3, int(COLUMNS / cell) + 3)).astype(np.float32)
        total += gain**octave * cv2.resize(coarse, (COLUMNS, ROWS), interpolation=cv2.INTER_CUBIC)
    return np.asarray((total - total.mean()) / total.std(), np.float32)


def _body(random: np.random.Generator) -> Layer:
    x, y = _grid()
    body = _pillow(BODY, 1.0, 7.5)
    depth = np.interp(y, [0, 4, 9, 16, 26, 36, 44], [11.0, 12.5, 17.0, 20.5, 22.0, 22.5, 22.5]).astype(np.float32)
    chest_wall = 1 + 0.006 * _clouds(random, 6.0, 3)
    breasts = sum(_soft_ellipse(side * 7.6, 24.0, 5.2, 4.6, 1.6) for side in (-1, 1))
    pectorals = sum(_soft_ellipse(side * 8.6, 12.5, 5.0, 5.5, 1.4) for side in (-1, 1))
    return np.asarray(depth * body * chest_wall + breasts + pectorals, np.float32)


def _soft_ellipse(x0: float, y0: float, rx: float, ry: float, depth_cm: float) -> Layer:
    x, y = _grid()
    return np.asarray(depth_cm * np.sqrt(np.maximum(1 - ((x - x0) / rx) ** 2 - ((y - y0) / ry) ** 2, 0)), np.float32)


def _dome(x0: float, top: float) -> Layer:
    """How much of the lung's depth a diaphragm whose highest point is (x0, top) takes away."""
    x, y = _grid()
    edge = top + 5.6 * np.abs((x - x0) / 6.9) ** 2.3
    below = np.clip((y - edge) / 1.1, 0, 1)
    return np.asarray(15.0 * below**0.5 * (x * x0 > 0), np.float32)


def _mediastinum(lungs: Layer) -> Layer:
    """Heart and great vessels replace lung in front of the spine; their borders stay sharp where they touch air."""
    solid = np.maximum(_pillow(HEART, 10.5, 3.4), 0.85 * _pillow(MEDIASTINUM, 9.0, 1.5))
    return np.asarray((1 - LUNG_DENSITY) * np.minimum(solid, 0.94 * lungs), np.float32)


def _airways() -> Layer:
    trachea = [(0.1, -1.0), (0.1, 5.0), (0.3, 10.0), (0.35, 13.4)]
    right = [(0.35, 13.4), (-1.2, 14.9), (-2.6, 16.4)]
    left = [(0.35, 13.4), (2.1, 15.0), (3.4, 15.9)]
    air = _rod(trachea, 1.75, 0.0, 1.0)
    air = np.maximum(air, 0.8 * _rod(right, 1.35, 0.0, 1.0))
    air = np.maximum(air, 0.7 * _rod(left, 1.15, 0.0, 1.0))
    return _blur(1.1 * air, 0.05)


def _vessels(random: np.random.Generator, lungs: Layer) -> Layer:
    """Arteries and veins that leave the hila, fork and taper."""
    layer = np.zeros((ROWS, COLUMNS), np.float32)
    for side, x, y in ((-1, -3.0, 17.2), (1, 3.3, 16.4)):
        for angle in np.linspace(-1.35, 1.45, 11):
            direction = (side * np.cos(angle) * 0.9, np.sin(angle) + 0.1)
            _grow(layer, random, (x, y), direction, width_cm=random.uniform(0.34, 0.55))
        layer += 1.1 * _soft_ellipse(x - 0.2 * side, y + 0.9, 1.15, 2.3, 1.0)
    return np.asarray(2.0 * _blur(layer, 0.03) * np.clip(lungs / 4.0, 0, 1), np.float32)


def _grow(
    layer: Layer, random: np.random.Generator, start: tuple[float, float], direction: tuple[float, float], width_cm: float
) -> None:
    x, y = start
    heading = np.arctan2(direction[1], direction[0])
    while width_cm > 0.035:
        heading += random.normal(0, 0.10)
        step = 0.28
        x1, y1 = x + step * np.cos(heading), y + step * np.sin(heading)
        _tube(layer, (x, y), (x1, y1), width_cm)
        x, y = x1, y1
        width_cm *= 0.972
        if random.random() < 0.13:
            turn = random.choice([-1, 1]) * random.uniform(0.35, 0.75)
            branch = heading + turn
            _grow(layer, random, (x, y), (np.cos(branch), np.sin(branch)), width_cm * random.uniform(0.55, 0.8))
            width_cm *= 0.9
        if abs(x) > 14 or not 4 < y < 33:
            return


def _tube(layer: Layer, start: tuple[float, float], end: tuple[float, float], width_cm: float) -> None:
    (x0, y0), (x1, y1) = _pixels([start, end])
    left, top = int(min(x0, x1)) - 40, int(min(y0, y1)) - 40
    right, bottom = int(max(x0, x1)) + 40, int(max(y0, y1)) + 40
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, COLUMNS), min(bottom, ROWS)
    if right <= left or bottom <= top:
        return
    window = np.zeros((bottom - top, right - left), np.float32)
    a = (round((x0 - left) * 16), round((y0 - top) * 16))
    b = (round((x1 - left) * 16), round((y1 - top) * 16))
    cv2.line(window, a, b, 1.0, max(round(width_cm / PIXEL_CM), 1), cv2.LINE_8, 4)
    depth = width_cm * min(1.0, width_cm / PIXEL_CM)
    layer[top:bottom, left:right] = np.maximum(layer[top:bottom, left:right], depth * window)


def _consolidation(random: np.random.Generator, lungs: Layer, thickness_cm: float) -> Layer:
    """Alveoli filled with fluid in the right lower lobe: a cloud with soft, uneven edges and open airways in it."""
    x, y = _grid()
    blob = np.exp(-(((x + 7.6) / 3.3) ** 2) - ((y - 23.2) / 3.0) ** 2) + 0.5 * np.exp(
        -(((x + 5.2) / 2.2) ** 2) - ((y - 25.0) / 2.2) ** 2
    )
    uneven = 1 / (1 + np.exp(-3.2 * (blob + 0.20 * _clouds(random, 2.4, 6) - 0.42)))
    bronchi = np.zeros((ROWS, COLUMNS), np.float32)
    for angle in (1.9, 2.25, 2.6):
        _grow(bronchi, random, (-4.2, 20.4), (np.cos(angle), np.sin(angle)), 0.26)
    cloud = thickness_cm * uneven - 1.1 * _blur(bronchi, 0.05)
    return np.asarray((1 - LUNG_DENSITY) * np.clip(cloud, 0, 0.9 * lungs), np.float32)


def _spine(random: np.random.Generator) -> Layer:
    """Vertebral bodies with end plates and pedicles, discs between them."""
    x, y = _grid()
    layer = np.zeros((ROWS, COLUMNS), np.float32)
    top = 1.0
    for number in range(16):
        height, half_width = 1.75 + 0.05 * number, 1.25 + 0.03 * number
        middle = top + height / 2
        across = np.sqrt(np.clip(1 - (np.abs(x) / half_width) ** 4, 0, 1))
        along = np.clip(1 - (np.abs(y - middle) / (height / 2)) ** 8, 0, 1)
        plate = np.exp(-(((np.abs(y - middle) - height / 2 + 0.08) / 0.07) ** 2))
        layer += across * (0.75 * along + 0.40 * plate)
        for side in (-1, 1):
            pedicle = ((x - side * 0.78) / 0.28) ** 2 + ((y - middle + 0.25) / 0.42) ** 2
            layer += 0.42 * np.exp(-((pedicle - 1) ** 2) * 3) * (pedicle < 2.2)
        layer += 0.5 * np.exp(-((x / 0.22) ** 2) - ((y - middle - 0.5) / 0.55) ** 2)
        for side in (-1, 1):
            layer += 0.35 * _rod([(side * 1.0, middle - 0.1), (side * 2.9, middle - 0.45)], 0.9, 0.12)
        top += height + 0.38
    return _blur(layer, 0.05)


def _ribs() -> Layer:
    layer = np.zeros((ROWS, COLUMNS), np.float32)
    for number in range(10):
        back = 5.0 + 2.18 * number
        reach = (6.6, 9.0, 10.6, 11.7, 12.5, 13.1, 13.5, 13.7, 13.7, 13.4)[number]
        drop = (1.6, 1.9, 2.4, 3.0, 3.6, 4.1, 4.6, 5.0, 5.2, 5.2)[number]
        for side in (-1.0, 1.0):
            tilt = 0.16 * side
            posterior = [
                (side * 1.6, back + tilt), (side * (0.26 * reach + 0.9), back - 0.45 + tilt),
                (side * 0.58 * reach, back + 0.10 * drop + tilt), (side * 0.86 * reach, back + 0.52 * drop + tilt),
                (side * reach, back + drop + tilt),
            ]  # fmt: skip
            layer += 0.85 * _rod(posterior, 1.0, 0.13)
            if number < 7:
                end = (2.9, 3.4, 3.9, 4.5, 5.2, 6.2, 7.4)[number]
                lower = back + drop + (2.0, 3.4, 4.4, 5.2, 5.6, 5.4, 4.8)[number]
                anterior = [
                    (side * reach, back + drop + tilt), (side * (reach - 0.3), back + drop + 0.25 * (lower - back - drop)),
                    (side * (0.55 * reach + 0.45 * end), back + drop + 0.68 * (lower - back - drop)), (side * end, lower),
                ]  # fmt: skip
                layer += 0.55 * _rod(anterior, 1.25, 0.10)
    return _blur(layer, 0.035)


def _clavicles() -> Layer:
    layer = np.zeros((ROWS, COLUMNS), np.float32)
    for side in (-1, 1):
        curve = [(side * 1.5, 8.3), (side * 4.2, 7.7), (side * 8.2, 6.3), (side * 12.0, 6.2), (side * 15.2, 6.0)]
        layer += 1.05 * _rod(curve, 1.2, 0.18)
    manubrium = [(-2.2, 8.1), (2.2, 8.1), (1.6, 12.2), (-1.6, 12.2)]
    return _blur(layer, 0.035) + 0.14 * _pillow(manubrium, 1.0, 0.8)


def _shoulders() -> Layer:
    layer = np.zeros((ROWS, COLUMNS), np.float32)
    for side in (-1, 1):
        blade = [(side * x, y) for x, y in SCAPULA]
        outline = _rod([*blade, blade[0]], 0.42, 0.10)
        layer += 0.32 * _pillow(blade, 0.7, 0.5) + 0.35 * outline
        layer += 0.55 * _rod([(side * 10.2, 9.2), (side * 13.5, 6.6), (side * 16.2, 6.0)], 0.9, 0.15)
        layer += 0.5 * _pillow([(side * x, y) for x, y in ((15.6, 7.4), (18.2, 7.2), (18.9, 9.4), (16.4, 11.0))], 2.6, 1.4)
    return _blur(layer, 0.04)


def _detect(absorbed: Layer, random: np.random.Generator) -> NDArray[np.uint16]:
    """Scatter, quanta, blur of the detector, logarithm, and the processing that makes a picture for a reader."""
    primary = np.exp(-absorbed)
    exposure = primary + 0.35 * _blur(primary, 2.5)
    quanta = 3.0e5 * exposure
    seen = np.maximum(quanta + random.standard_normal(quanta.shape).astype(np.float32) * np.sqrt(quanta), 1.0)
    density = -np.log(_blur(seen.astype(np.float32), 0.020) / 3.0e5)
    harmonised = density - 0.42 * _blur(density, 3.0)
    sharp = harmonised + 0.55 * (harmonised - _blur(harmonised, 0.25))
    low, high = np.percentile(sharp, [1.0, 99.7])
    scaled = np.clip((sharp - low) / (high - low), 0, 1)
    curve = 1 / (1 + np.exp(-5.2 * (scaled - 0.50)))
    curve = (curve - curve.min()) / (curve.max() - curve.min())
    return np.asarray(np.round(60 + 3960 * curve), np.uint16)


def _marked(pixels: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """The lead letter that tells the patient's right side."""
    letter = np.zeros(pixels.shape, np.uint8)
    cv2.putText(letter, "R", (70, 330), cv2.FONT_HERSHEY_DUPLEX, 3.2, 255, 9, cv2.LINE_AA)
    return np.maximum(pixels, np.uint16(15) * letter)
