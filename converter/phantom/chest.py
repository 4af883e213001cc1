"""Computes a frontal chest radiograph of nobody: shapes of tissue, the X-rays they absorb, the detector behind them.

Coordinates as in shapes: centimetres, x to the picture's right, which is the patient's left. The same seed gives the
same picture.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from converter.phantom.shapes import (
    COLUMNS,
    PIXEL_CM,
    ROWS,
    Layer,
    Points,
    blur,
    clouds,
    ellipsoid,
    grid,
    pillow,
    rod,
    to_pixels,
)

BITS_STORED = 12
# Attenuation per centimetre near 60 keV: water, and what bone has more than water. Lung is water at a quarter density.
WATER_PER_CM, BONE_PER_CM, LUNG_DENSITY = 0.205, 0.42, 0.26

RIGHT_LUNG: Points = (
    (-2.3, 8.8), (-3.1, 6.4), (-5.2, 5.0), (-7.9, 5.8), (-10.4, 8.6), (-12.1, 12.4), (-13.2, 16.8), (-13.8, 21.5),
    (-14.0, 26.5), (-14.0, 31.6), (-12.6, 32.6), (-8.0, 32.0), (-4.2, 31.0), (-2.2, 27.0), (-1.7, 22.0), (-1.7, 17.0),
    (-2.2, 12.5),
)  # fmt: skip
LEFT_LUNG: Points = (
    (2.5, 8.8), (3.2, 6.3), (5.2, 4.9), (7.9, 5.8), (10.3, 8.6), (12.0, 12.4), (13.1, 16.8), (13.6, 21.5),
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
HUMERAL_HEAD: Points = ((15.6, 7.4), (18.2, 7.2), (18.9, 9.4), (16.4, 11.0))


def draw_radiograph(seed: int = 1895, opacity_cm: float = 8.0) -> NDArray[np.uint16]:
    """The picture as stored: uint16 [1750, 1500], 12 bits, MONOCHROME2 (air dark, bone bright), pixels of 0.24 mm.

    It has a basal opacity in the right lung that is `opacity_cm` thick at its densest; 0 leaves it out.
    """
    random = np.random.default_rng(seed)
    lungs = pillow(RIGHT_LUNG, 15.0, 3.6) + pillow(LEFT_LUNG, 15.0, 3.6)
    lungs -= 0.97 * np.minimum(lungs, _dome(-7.2, 26.2) + _dome(7.4, 27.5))
    water = _body(random)
    water -= (1 - LUNG_DENSITY) * lungs
    water += _mediastinum(lungs) + _vessels(random, lungs) + _consolidation(random, lungs, opacity_cm)
    water -= _airways() + blur(ellipsoid(6.8, 29.8, 3.0, 1.3, 4.0), 0.15)  # gas in the stomach
    bone = _spine(random) + _ribs() + _clavicles() + _shoulders()
    absorbed = WATER_PER_CM * np.maximum(water, 0) + BONE_PER_CM * bone
    return _marked(_detect(absorbed, random))


def _body(random: np.random.Generator) -> Layer:
    x, y = grid()
    body = pillow(BODY, 1.0, 7.5)
    # shoulders and arms are rounder than the chest
    narrow = 1 - 0.35 * np.clip((np.abs(x) - 13.0) / 6.0, 0, 1)
    depth = narrow * np.interp(y, [0, 4, 9, 16, 26, 36, 44], [11.0, 12.5, 17.0, 20.5, 22.0, 22.5, 22.5]).astype(
        np.float32
    )
    chest_wall = 1 + 0.006 * clouds(random, 6.0, 3)
    breasts = sum(ellipsoid(side * 9.4, 24.5, 6.4, 5.2, 0.9) for side in (-1, 1))
    pectorals = sum(ellipsoid(side * 8.6, 12.5, 5.0, 5.5, 1.4) for side in (-1, 1))
    return np.asarray(depth * body * chest_wall + breasts + pectorals, np.float32)


def _dome(x0: float, top: float) -> Layer:
    """How much of the lung's depth a diaphragm whose highest point is (x0, top) takes away."""
    x, y = grid()
    edge = top + 5.6 * np.abs((x - x0) / 6.9) ** 2.3
    below = np.clip((y - edge) / 1.1, 0, 1)
    return np.asarray(15.0 * below**0.5 * (x * x0 > 0), np.float32)


def _mediastinum(lungs: Layer) -> Layer:
    """Heart and great vessels replace lung in front of the spine; their borders stay sharp where they touch air."""
    solid = np.maximum(pillow(HEART, 10.5, 3.4), 0.85 * pillow(MEDIASTINUM, 9.0, 1.5))
    return np.asarray((1 - LUNG_DENSITY) * np.minimum(solid, 0.94 * lungs), np.float32)


def _airways() -> Layer:
    trachea = [(0.1, -1.0), (0.1, 5.0), (0.3, 10.0), (0.35, 13.4)]
    right = [(0.35, 13.4), (-1.2, 14.9), (-2.6, 16.4)]
    left = [(0.35, 13.4), (2.1, 15.0), (3.4, 15.9)]
    air = rod(trachea, 1.75, 0.0, 1.0)
    air = np.maximum(air, 0.8 * rod(right, 1.35, 0.0, 1.0))
    air = np.maximum(air, 0.7 * rod(left, 1.15, 0.0, 1.0))
    return blur(1.7 * air, 0.05)


def _vessels(random: np.random.Generator, lungs: Layer) -> Layer:
    """Arteries and veins that leave the hila, fork and taper."""
    layer = np.zeros((ROWS, COLUMNS), np.float32)
    for side, x, y in ((-1, -3.0, 17.2), (1, 3.3, 16.4)):
        for angle in np.linspace(-1.35, 1.45, 11):
            direction = (side * np.cos(angle) * 0.9, np.sin(angle) + 0.1)
            _grow(layer, random, (x, y), direction, width_cm=random.uniform(0.34, 0.55))
        layer += 1.3 * blur(ellipsoid(x - 0.2 * side, y + 0.9, 1.0, 2.1, 1.0), 0.3)
    return np.asarray(3.2 * blur(layer, 0.03) * np.clip(lungs / 4.0, 0, 1), np.float32)


def _grow(
    layer: Layer,
    random: np.random.Generator,
    start: tuple[float, float],
    direction: tuple[float, float],
    width_cm: float,
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
    (x0, y0), (x1, y1) = to_pixels([start, end])
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
    x, y = grid()
    blob = np.exp(-(((x + 8.2) / 3.4) ** 2) - ((y - 23.0) / 2.9) ** 2) + 0.6 * np.exp(
        -(((x + 6.0) / 2.6) ** 2) - ((y - 25.2) / 2.4) ** 2
    )
    uneven = 1 / (1 + np.exp(-5.0 * (blob + 0.16 * clouds(random, 2.4, 6) - 0.45)))
    bronchi = np.zeros((ROWS, COLUMNS), np.float32)
    for angle in (1.9, 2.25, 2.6):
        _grow(bronchi, random, (-4.2, 20.4), (np.cos(angle), np.sin(angle)), 0.26)
    cloud = thickness_cm * uneven * np.clip(4 * blob, 0, 1) - 1.1 * blur(bronchi, 0.05)
    return np.asarray((1 - LUNG_DENSITY) * np.clip(cloud, 0, 0.9 * lungs), np.float32)


def _spine(random: np.random.Generator) -> Layer:
    """Vertebral bodies with end plates and pedicles, discs between them."""
    x, y = grid()
    layer = np.zeros((ROWS, COLUMNS), np.float32)
    top = 1.0
    for number in range(16):
        height, half_width = 1.75 + 0.05 * number, 1.25 + 0.03 * number
        middle = top + height / 2
        across = np.sqrt(np.clip(1 - (np.abs(x) / half_width) ** 4, 0, 1))
        along = np.clip(1 - (np.abs(y - middle) / (height / 2)) ** 8, 0, 1)
        plate = np.exp(-(((np.abs(y - middle) - height / 2 + 0.08) / 0.07) ** 2))
        layer += across * (0.50 * along + 0.28 * plate)
        for side in (-1, 1):
            pedicle = ((x - side * 0.78) / 0.28) ** 2 + ((y - middle + 0.25) / 0.42) ** 2
            layer += 0.42 * np.exp(-((pedicle - 1) ** 2) * 3) * (pedicle < 2.2)
        layer += 0.5 * np.exp(-((x / 0.22) ** 2) - ((y - middle - 0.5) / 0.55) ** 2)
        for side in (-1, 1):
            layer += 0.35 * rod([(side * 1.0, middle - 0.1), (side * 2.9, middle - 0.45)], 0.9, 0.12)
        top += height + 0.38
    return blur(layer, 0.05)


def _ribs() -> Layer:
    layer = np.zeros((ROWS, COLUMNS), np.float32)
    for number in range(10):
        back = 5.0 + 2.18 * number
        reach = (7.4, 10.0, 11.7, 12.7, 13.3, 13.8, 14.1, 14.2, 14.1, 13.7)[number]
        drop = (1.6, 1.9, 2.4, 3.0, 3.6, 4.1, 4.6, 5.0, 5.2, 5.2)[number]
        for side in (-1.0, 1.0):
            tilt = 0.16 * side
            posterior = [
                (side * 1.6, back + tilt), (side * (0.26 * reach + 0.9), back - 0.45 + tilt),
                (side * 0.58 * reach, back + 0.10 * drop + tilt), (side * 0.86 * reach, back + 0.52 * drop + tilt),
                (side * reach, back + drop + tilt),
            ]  # fmt: skip
            layer += 1.15 * rod(posterior, 1.0, 0.12, 0.22)
            if number < 7:
                end = (2.9, 3.4, 3.9, 4.5, 5.2, 6.2, 7.4)[number]
                lower = back + drop + (2.0, 3.4, 4.4, 5.2, 5.6, 5.4, 4.8)[number]
                turn, fall = back + drop, lower - back - drop
                anterior = [
                    (side * reach, turn + tilt), (side * (reach - 0.3), turn + 0.25 * fall),
                    (side * (0.55 * reach + 0.45 * end), turn + 0.68 * fall), (side * end, lower),
                ]  # fmt: skip
                layer += 0.62 * rod(anterior, 1.25, 0.10, 0.25)
    return blur(layer, 0.035)


def _clavicles() -> Layer:
    layer = np.zeros((ROWS, COLUMNS), np.float32)
    for side in (-1, 1):
        curve = [(side * 1.5, 8.3), (side * 4.2, 7.7), (side * 8.2, 6.3), (side * 12.0, 6.2), (side * 15.2, 6.0)]
        layer += 1.3 * rod(curve, 1.25, 0.18)
    manubrium = [(-2.2, 8.1), (2.2, 8.1), (1.6, 12.2), (-1.6, 12.2)]
    return blur(layer, 0.035) + 0.14 * pillow(manubrium, 1.0, 0.8)


def _shoulders() -> Layer:
    layer = np.zeros((ROWS, COLUMNS), np.float32)
    for side in (-1, 1):
        blade = [(side * x, y) for x, y in SCAPULA]
        outline = rod([*blade, blade[0]], 0.42, 0.10)
        layer += 0.32 * pillow(blade, 0.7, 0.5) + 0.35 * outline
        layer += 0.55 * rod([(side * 10.2, 9.2), (side * 13.5, 6.6), (side * 16.2, 6.0)], 0.9, 0.15)
        layer += 0.5 * pillow([(side * x, y) for x, y in HUMERAL_HEAD], 2.6, 1.4)
    return blur(layer, 0.04)


def _detect(absorbed: Layer, random: np.random.Generator) -> NDArray[np.uint16]:
    """Scatter, quanta, blur of the detector, logarithm, and the processing that makes a picture for a reader."""
    primary = np.exp(-absorbed)
    exposure = primary + 0.35 * blur(primary, 2.5)
    quanta = 3.0e5 * exposure
    seen = np.maximum(quanta + random.standard_normal(quanta.shape).astype(np.float32) * np.sqrt(quanta), 1.0)
    density = -np.log(blur(seen.astype(np.float32), 0.020) / 3.0e5)
    harmonised = density - 0.55 * blur(density, 3.2)
    sharp = harmonised + 0.6 * (harmonised - blur(harmonised, 0.22))
    low, high = np.percentile(sharp, [1.0, 99.7])
    scaled = np.clip((sharp - low) / (high - low), 0, 1)
    curve = 1 / (1 + np.exp(-4.0 * (scaled - 0.60)))
    curve = (curve - curve.min()) / (curve.max() - curve.min())
    return np.asarray(np.round(60 + 3960 * curve), np.uint16)


def _marked(pixels: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """The lead letter that tells the patient's right side."""
    letter = np.zeros(pixels.shape, np.uint8)
    cv2.putText(letter, "R", (70, 330), cv2.FONT_HERSHEY_DUPLEX, 3.2, 255, 9, cv2.LINE_AA)
    return np.maximum(pixels, 15 * letter.astype(np.uint16))
