"""The picture: colour where the attention is, nothing written over the anatomy, size within its bound."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from converter.declined import DECLINE_REASONS
from converter.image.gray_image import IDENTITY_AFFINE
from converter.image.pixels import render
from converter.result.findings import Finding, Region
from converter.result.heatmap import Caption, Layout, draw_heatmap, lay_out, to_png
from converter.result.lettering import text_width, wrapped, write
from converter.result.map_colours import attention_of, blend, map_layer, overlay
from converter.result.not_analysed import REMARKS_MAX
from converter.result.place import Place
from converter.result.regions import Field, regions_of
from converter.words.catalogue import LANGUAGES, Language, words_in
from tests.support.dicom.phantoms import make_dx
from tests.support.results.reports import ALGORITHM, PNEUMONIA, THRESHOLD, a_cam
from tests.unit.result.test_regions import ORIENTATIONS

SHAPES = [(128, 96), (512, 448), (448, 512), (1024, 400), (400, 1024), (3000, 2500)]
SIDES = [320, 512, 1024, 2048]


def _finding(probability: float, regions: tuple[Region, ...] = (), full_scale: float | None = None) -> Finding:
    is_positive = probability >= THRESHOLD
    return Finding("pneumonia", PNEUMONIA, probability, THRESHOLD, is_positive, regions, "", full_scale)


def _draw(
    preview: NDArray[np.uint8], cam: NDArray[np.float32], finding: Finding, side_max: int = 1024
) -> NDArray[np.uint8]:
    return draw_heatmap(preview, cam, finding, Caption(ALGORITHM), IDENTITY_AFFINE, side_max)


def _film(picture: NDArray[np.uint8], layout: Layout) -> NDArray[np.int64]:
    rows = slice(layout.top, layout.top + layout.rows)
    return picture[rows, layout.left : layout.left + layout.columns].astype(np.int64)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("side_max", SIDES)
def test_the_picture_stays_within_its_bound_and_keeps_the_aspect(shape: tuple[int, int], side_max: int) -> None:
    layout = lay_out(shape, side_max)
    assert max(layout.width, layout.height) <= side_max
    assert layout.columns / layout.rows == pytest.approx(shape[1] / shape[0], rel=0.02)
    assert layout.left >= 0 and layout.left + layout.columns <= layout.width
    if side_max >= 512:
        assert layout.unit >= 6.5


def test_a_side_too_small_for_a_caption_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 320"):
        lay_out((512, 512), 100)


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_is_written_over_a_negative_film(shape: tuple[int, int]) -> None:
    preview = np.tile(np.linspace(0, 255, shape[1], dtype=np.uint8), (shape[0], 1))
    picture = _draw(preview, np.full((7, 7), -2.0, np.float32), _finding(0.03))
    film = _film(picture, lay_out(shape, 1024))
    assert np.ptp(film, axis=2).max() == 0, "a film without positive evidence stays gray"
    assert np.ptp(film, axis=0).max() <= 2, "each column of the ramp keeps its gray"


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_colour_and_contour_lie_on_the_hot_spot_however_the_film_lay(orientation: tuple[str, str]) -> None:
    image = render(make_dx(rows=420, columns=340, orientation=orientation))
    preview = (image.pixels >> 8).astype(np.uint8)
    cam = a_cam(row=5, column=1)
    regions, _ = regions_of(cam, None, Field(preview.shape, image.to_source, image.source_shape))
    drawn = [
        draw_heatmap(preview, cam, _finding(0.9, shown), Caption(ALGORITHM), image.to_source, 1024)
        for shown in (regions, ())
    ]
    picture = drawn[0]
    layout = lay_out(preview.shape, 1024)
    film = _film(picture, layout)
    lined = (film != _film(drawn[1], layout)).any(axis=2)
    assert lined.any()
    rows, columns = np.nonzero(lined)
    hot = (5.5 / 7 * layout.rows, 1.5 / 7 * layout.columns)
    assert rows.min() < hot[0] < rows.max() and columns.min() < hot[1] < columns.max()
    warm = np.where(lined, 0, film[..., 0] - film[..., 2])
    at = np.unravel_index(int(cv2.GaussianBlur(warm.astype(np.float32), (0, 0), 12).argmax()), warm.shape)
    assert abs(at[0] - hot[0]) < layout.rows / 7 and abs(at[1] - hot[1]) < layout.columns / 7


def test_a_point_of_the_preview_is_where_the_layout_says() -> None:
    preview = np.zeros((1600, 1200), np.uint8)
    preview[800:810, 300:310] = 255
    picture = _draw(preview, np.full((7, 7), -2.0, np.float32), _finding(0.03))
    layout = lay_out(preview.shape, 1024)
    film = _film(picture, layout)[..., 0]
    row, column = np.unravel_index(int(film.argmax()), film.shape)
    x, y = layout.to_picture(preview.shape, np.array([[304.5, 804.5]]))[0]
    assert abs(row + layout.top - y) <= 2 and abs(column + layout.left - x) <= 2


def test_anatomy_stays_legible_under_the_strongest_attention() -> None:
    steps = np.repeat(np.array([[40, 80, 120, 160, 200]], np.uint8), 20, axis=0)
    coloured = overlay(steps, np.ones(steps.shape, np.float32)).astype(int).sum(axis=2)[0]
    assert (np.diff(coloured) > 20).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (211, 173)])
def test_an_overlay_is_the_blend_of_each_pixel(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    gray = rng.integers(0, 256, shape, dtype=np.uint8)
    attention = rng.uniform(-0.2, 1.2, shape).astype(np.float32)
    levels = np.clip(attention * 255, 0, 255).astype(np.uint8)
    assert np.array_equal(overlay(gray, attention), blend(gray, levels))


def test_more_attention_is_never_darker_once_it_is_fully_coloured() -> None:
    ramp = np.linspace(0, 1, 64, dtype=np.float32)[np.newaxis]
    coloured = overlay(np.full(ramp.shape, 128, np.uint8), ramp)
    assert (coloured[0, 0] == 128).all(), "no attention, no colour"
    lightness = cv2.cvtColor(coloured, cv2.COLOR_RGB2LAB)[0, 40:, 0].astype(int)
    assert (np.diff(lightness) >= 0).all() and lightness[-1] > lightness[0] + 20


def test_a_faint_response_stays_faint() -> None:
    preview = np.full((512, 448), 128, np.uint8)
    layout = lay_out(preview.shape, 1024)
    strong = _film(_draw(preview, a_cam(peak=8.0), _finding(0.03)), layout)
    faint = _film(_draw(preview, a_cam(peak=0.8), _finding(0.03)), layout)
    assert np.ptp(faint, axis=2).max() < 0.25 * np.ptp(strong, axis=2).max()


def test_the_same_input_gives_the_same_picture() -> None:
    preview = np.random.default_rng(1).integers(0, 255, (300, 260), dtype=np.uint8)
    assert np.array_equal(_draw(preview, a_cam(), _finding(0.9)), _draw(preview, a_cam(), _finding(0.9)))


def test_the_png_holds_the_picture() -> None:
    picture = _draw(np.full((300, 260), 90, np.uint8), a_cam(), _finding(0.9))
    decoded = cv2.imdecode(np.frombuffer(to_png(picture), np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None and np.array_equal(decoded[..., ::-1], picture)


def test_a_layer_over_its_film_looks_as_the_picture_that_is_sent() -> None:
    rng = np.random.default_rng(1)
    film = np.asarray(cv2.resize(rng.integers(0, 255, (30, 24), np.uint8), (720, 900)), np.uint8)
    cam = rng.normal(0, 4, (8, 8)).astype(np.float32)
    layer = map_layer(film, cam).astype(np.float64)
    opacity = layer[..., 3:] / 255
    seen = film[..., np.newaxis] * (1 - opacity) + layer[..., :3] * opacity
    assert np.abs(seen - _film(_draw(film, cam, _finding(0.03), 4096), lay_out(film.shape, 4096))).max() <= 2


def test_the_same_colour_is_the_same_activation_on_every_film() -> None:
    preview = np.full((720, 640), 128, np.uint8)
    layout = lay_out(preview.shape, 1024)
    alone, beside = a_cam(row=2, column=2, peak=6.0), a_cam(row=2, column=2, peak=6.0)
    beside[5, 5] = 30.0
    cell = np.s_[: layout.rows // 2, : layout.columns // 2]
    fixed = [_film(_draw(preview, cam, _finding(0.9, (), 40.0)), layout)[cell] for cam in (alone, beside)]
    relative = [_film(_draw(preview, cam, _finding(0.9)), layout)[cell] for cam in (alone, beside)]
    assert np.array_equal(fixed[0], fixed[1]) and not np.array_equal(relative[0], relative[1])


def test_no_colour_lies_beyond_the_lungs() -> None:
    lungs = np.zeros((64, 64), np.float32)
    lungs[8:56, 6:28] = lungs[8:56, 36:58] = 1
    attention, full = attention_of(np.full((8, 8), 9.0, np.float32), 512, 512, 9.0, lungs)
    assert full == 9.0 and attention[256, 136] == 1 and attention[256, 256] == 0 and attention[10, 10] == 0


def test_a_film_without_a_map_stays_gray_and_says_so() -> None:
    preview = np.full((800, 700), 128, np.uint8)
    picture = draw_heatmap(preview, None, _finding(0.03), Caption(ALGORITHM), IDENTITY_AFFINE, 1024)
    assert np.ptp(_film(picture, lay_out(preview.shape, 1024)), axis=2).max() == 0


def test_a_contour_shows_on_a_gray_display() -> None:
    preview = np.full((800, 700), 128, np.uint8)
    square = ((200.0, 200.0), (400.0, 200.0), (400.0, 400.0), (200.0, 400.0), (200.0, 200.0))
    picture = _draw(preview, a_cam(peak=9.0), _finding(0.9, (Region(square),)))
    gray = cv2.cvtColor(_film(picture, lay_out(preview.shape, 1024)).astype(np.uint8), cv2.COLOR_RGB2GRAY)
    assert gray.max() > 220 and gray.min() < 40


@pytest.mark.parametrize("shape", [(700, 900), (1536, 1258), (440, 440), (1024, 400), (400, 1024)])
@pytest.mark.parametrize("language", LANGUAGES)
def test_words_keep_clear_of_the_corners_that_viewers_write_into(language: Language, shape: tuple[int, int]) -> None:
    say, preview = words_in(language), np.full(shape, 128, np.uint8)
    spot = Region(((20.0, 20.0), (60.0, 20.0), (60.0, 60.0), (20.0, 20.0)), Place(("upper", "lower"), ("middle",)))
    remarks = tuple(sorted((f"lateral 2: {say(row.sentence)}" for row in DECLINE_REASONS), key=len)[-REMARKS_MAX - 1 :])
    finding = _finding(0.9, (spot,), 16.0)
    picture = draw_heatmap(preview, a_cam(), finding, Caption(ALGORITHM, "AP 1", remarks, say), IDENTITY_AFFINE, 1024)
    assert max(picture.shape) <= 1024
    film = np.flatnonzero((picture == 128).all(axis=2).any(axis=1))
    corner = round(0.17 * picture.shape[1])
    for strip in (picture[: film[0]], picture[film[-1] + 1 :]):
        assert np.ptp(strip[:, :corner]) < 5 and np.ptp(strip[:, -corner:]) < 5 and np.ptp(strip) > 100


@pytest.mark.parametrize("language", LANGUAGES)
def test_letters_are_as_tall_as_the_layout_says(language: Language) -> None:
    """At least 9 pixels of a picture of 1,024, which a viewer shows on half a screen."""
    assert lay_out((1024, 800), 1024).unit * 0.9 > 9
    for text in ("Hx", words_in(language)("PRESENT")):
        picture = np.zeros((60, 400, 3), np.uint8)
        write(picture, text, 200, 40, 18, (255, 255, 255), bold=True, align="centre")
        rows, columns = np.nonzero(picture[..., 0] > 128)
        assert 16 <= np.ptp(rows) + 1 <= 26 and abs(columns.mean() - 200) < 12


@pytest.mark.parametrize("language", LANGUAGES)
def test_long_sentences_are_wrapped_and_lose_nothing(language: Language) -> None:
    say = words_in(language)
    for row in DECLINE_REASONS:
        lines = wrapped(say(row.sentence), 14, 400)
        assert all(text_width(line, 14) <= 400 for line in lines)
        assert "".join(lines).replace(" ", "") == say(row.sentence).replace(" ", "")
    assert wrapped("", 14, 400) == [""]


def test_text_that_reaches_beyond_the_picture_is_cut_there() -> None:
    picture = np.zeros((20, 30, 3), np.uint8)
    for x, baseline in ((-40, 10), (25, 4), (10, 60), (10, -30)):
        write(picture, "Pneumonia", x, baseline, 12, (255, 255, 255))
    assert picture.any()
