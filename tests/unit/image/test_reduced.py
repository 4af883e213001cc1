"""JPEG 2000 at a reduced size: the codestream's own low-pass image, never smaller than allowed, in its right place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import JPEG2000, JPEG2000Lossless, JPEGLSLossless

from converter.errors import Undecodable
from converter.image.convert import Converted, convert
from converter.image.decode import SidesMin, decode_frame
from converter.image.pixels import REDUCED
from converter.package.network import InputSpec, Normalisation
from converter.phantom.chest_sketch import sketch_chest
from tests.support.dicom.codecs import encoded
from tests.support.dicom.phantoms import compress_with, make_dx, write_dx

ANY_SIZE = SidesMin(1, 1)


def film(rows: int, columns: int, bits: int = 12, dtype: str = "u2") -> NDArray[Any]:
    return np.rint(sketch_chest(rows, columns, noise=0.03) * ((1 << bits) - 1)).astype(dtype)


def lowpass(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """One level of the reversible 5-3 transform along the first axis, its low-pass half (ISO 15444-1 F.4.8.1)."""
    extended = np.concatenate([values[2:0:-1], values, values[-2:-4:-1]])
    even, odd = extended[0::2], extended[1::2]
    detail = odd[: len(even) - 1] - ((even[:-1] + even[1:]) >> 1)
    smooth: NDArray[np.int64] = even[1:-1] + ((detail[:-1] + detail[1:] + 2) >> 2)
    return smooth[: (len(values) + 1) // 2]


@pytest.mark.parametrize(("bits", "dtype"), [(8, "u1"), (12, "u2"), (16, "u2")])
@pytest.mark.parametrize("shape", [(96, 80), (97, 81)], ids=str)
def test_half_the_size_is_the_low_pass_image_of_the_standard(bits: int, dtype: str, shape: tuple[int, int]) -> None:
    pixels = film(*shape, bits, dtype)
    ds = encoded(pixels, JPEG2000Lossless, bits)

    frame = decode_frame(ds, sides_min=SidesMin(shape[1] // 2, shape[0] // 2))

    shifted = pixels.astype(np.int64) - (1 << bits - 1)
    expected = lowpass(lowpass(shifted).T).T + (1 << bits - 1)
    assert frame.halvings == 1
    assert np.array_equal(frame.words, np.clip(expected, 0, (1 << bits) - 1))


@pytest.mark.parametrize(
    ("sides_min", "halvings"),
    [((1, 1), 5), ((40, 48), 1), ((40, 49), 0), ((41, 48), 0), ((20, 24), 2), ((10, 48), 1), ((80, 96), 0)],
    ids=str,
)
def test_a_frame_is_never_smaller_than_it_may_be(sides_min: tuple[int, int], halvings: int) -> None:
    ds = encoded(film(96, 80), JPEG2000Lossless, 12)

    frame = decode_frame(ds, sides_min=SidesMin(*sides_min))

    assert frame.halvings == halvings or sides_min == (1, 1)
    assert min(frame.words.shape) >= sides_min[0] and max(frame.words.shape) >= sides_min[1]


@pytest.mark.parametrize(
    "ds",
    [
        encoded(film(96, 80).astype("i2"), JPEG2000Lossless, 14),
        encoded(np.stack([film(96, 80, 8, "u1")] * 3, axis=-1), JPEG2000Lossless, 8, photometric="RGB"),
        encoded(film(96, 80), JPEGLSLossless, 12),
        make_dx(film(96, 80)),
    ],
    ids=["signed", "RGB", "JPEG-LS", "native"],
)
def test_what_is_no_plain_jpeg_2000_is_decoded_in_full(ds: Dataset) -> None:
    frame = decode_frame(ds, sides_min=ANY_SIZE)

    assert (frame.halvings, frame.words.shape[:2]) == (0, (96, 80))


def test_a_codestream_with_fewer_levels_is_decoded_in_full() -> None:
    pixels = film(96, 80)
    ds = make_dx(pixels)
    compress_with(ds, JPEG2000, imagecodecs.jpeg2k_encode(pixels, codecformat="j2k", resolutions=1, reversible=True))

    frame = decode_frame(ds, sides_min=ANY_SIZE)

    assert frame.halvings == 0
    assert np.array_equal(frame.words, pixels)


def test_a_broken_codestream_is_undecodable_at_any_size() -> None:
    ds = encoded(film(96, 80), JPEG2000Lossless, 12)
    ds.PixelData = ds.PixelData[:120] + bytes(300) + ds.PixelData[420:]
    with pytest.raises(Undecodable):
        decode_frame(ds)
    with pytest.raises(Undecodable):
        decode_frame(ds, sides_min=ANY_SIZE)


@pytest.mark.parametrize(
    ("preview_side_max", "preview", "times"), [(1000, (512, 420), 1), (284, (256, 210), 2), (142, (128, 105), 2)]
)
def test_a_model_that_allows_it_gets_a_film_decoded_at_a_part_of_its_size(
    preview_side_max: int, preview: tuple[int, int], times: int, tmp_path: Path
) -> None:
    spec = InputSpec(height=48, width=32, layout="NCHW", normalisation=Normalisation(name="scale"))
    allowed = spec.model_copy(update={"jpeg2000_reduced": True})
    path = write_dx(tmp_path / "film.dcm", encoded(film(512, 420), JPEG2000Lossless, 12))

    full = convert(path, spec, None, preview_side_max, 1 << 20)
    reduced = convert(path, allowed, None, preview_side_max, 1 << 20)

    assert isinstance(full, Converted) and isinstance(reduced, Converted)
    assert full.notes == ()
    assert reduced.notes == ((REDUCED.format(times),) if times > 1 else ())
    assert reduced.preview.shape == preview
    assert reduced.source_shape == full.source_shape == (512, 420)
    # low-pass pixel n is centred on pixel n * times; an area average would lie half a step further
    if preview_side_max >= 256:
        assert np.array_equal(reduced.preview_to_source, [[times, 0, 0], [0, times, 0]])
    assert np.abs(reduced.model_input - full.model_input).max() < (0.06 if times > 1 else 1e-9)
