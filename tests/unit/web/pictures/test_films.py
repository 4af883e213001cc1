"""Films and maps come out of the child as PNG; a hostile file ends in a code, and a child that dies is replaced."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit

from converter.image.convert import Converted, convert
from scp_node.errors import PictureFailed
from scp_node.ledger.outline_column import packed
from scp_node.settings import Settings
from scp_node.storage.spool import Spool
from scp_node.web.pictures.desk import PictureDesk
from scp_node.web.pictures.films import SIDE_MAX, SPEC
from scp_node.web.pictures.films_kept import FILMS_KEPT_MAX, Film, FilmsKept
from tests.support.dicom.lung_films import lung_film
from tests.support.dicom.phantoms import compress_with, make_dx, write_dx
from tests.support.node.node import children_of
from tests.support.web.contexts import DOCUMENT


class Films:
    """A desk over a spool of its own, for a file of the test."""

    def __init__(self, folder: Path) -> None:
        node = {"ae_title": "HILUM", "data_dir": str(folder)}
        self.settings = Settings.model_validate({**DOCUMENT, "node": node})
        self.desk = PictureDesk(lambda: self.settings)
        self.spool, self.number = Spool(folder / "spool"), 0

    @property
    def name(self) -> str:
        return f"{self.number:064x}"

    @property
    def path(self) -> Path:
        path = self.spool.path(self.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def another(self) -> None:
        self.number += 1

    def film(self) -> tuple[dict[str, object], NDArray[np.uint8]]:
        head, (png,) = self.desk.ask("films", "film", {"spool_name": self.name})
        return head, decoded(png)

    def layer(self, cam: NDArray[np.float32]) -> NDArray[np.uint8]:
        rows, columns = cam.shape
        arguments = {"spool_name": self.name, "rows": rows, "columns": columns, "full_scale": None}
        _, (png,) = self.desk.ask("films", "map", arguments, [cam.astype("<f4").tobytes()])
        return decoded(png)


def decoded(png: bytes) -> NDArray[np.uint8]:
    return np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED), np.uint8)


@pytest.fixture(scope="module")
def all_films(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Films]:
    one = Films(tmp_path_factory.mktemp("films"))
    with closing(one.desk):
        yield one


@pytest.fixture
def films(all_films: Films) -> Films:
    all_films.another()
    return all_films


MADE = {
    "plain": lambda: make_dx(rows=300, columns=260),
    "MONOCHROME1": lambda: make_dx(rows=300, columns=260, photometric="MONOCHROME1"),
    "turned": lambda: make_dx(rows=300, columns=260, orientation=("F", "L")),
    "JPEG 2000": lambda: make_dx(rows=300, columns=260, transfer_syntax=JPEG2000Lossless),
    "JPEG": lambda: make_dx(rows=300, columns=260, bits_allocated=8, bits_stored=8, transfer_syntax=JPEGBaseline8Bit),
}


@pytest.mark.parametrize("made", MADE)
def test_a_film_is_what_the_model_and_its_heat_map_saw(films: Films, made: str) -> None:
    write_dx(films.path, MADE[made]())
    head, film = films.film()
    expected = convert(films.path, SPEC, None, SIDE_MAX, films.settings.inference.pixels_max)
    assert isinstance(expected, Converted)
    assert np.array_equal(film, expected.preview) and film.dtype == np.uint8
    assert (head["rows"], head["columns"]) == film.shape == (300, 260)
    assert head["to_source"] == expected.preview_to_source.tolist()


def test_white_is_bone_in_either_photometric_interpretation(films: Films) -> None:
    shown = []
    for photometric in ("MONOCHROME1", "MONOCHROME2"):
        films.another()
        write_dx(films.path, make_dx(rows=300, columns=260, photometric=photometric))
        shown.append(films.film()[1].astype(int))
    assert np.abs(shown[0] - shown[1]).max() <= 1


def test_a_large_film_has_a_bounded_side(films: Films) -> None:
    write_dx(films.path, make_dx(rows=2600, columns=1000))
    head, film = films.film()
    assert max(film.shape) == SIDE_MAX and head["rows"] == SIDE_MAX


def test_a_map_has_the_size_of_its_film_and_no_colour_without_attention(films: Films) -> None:
    write_dx(films.path, make_dx(rows=300, columns=260))
    cam = np.full((8, 8), -2, np.float32)
    cam[6, 1] = 8
    layer = films.layer(cam)
    assert layer.shape == (300, 260, 4)
    alpha = layer[..., 3]
    row, column = np.unravel_index(int(alpha.argmax()), alpha.shape)
    assert 6 / 8 <= row / 300 <= 7 / 8 and 1 / 8 <= column / 260 <= 2 / 8
    assert not layer[:100].any()


def test_the_outline_of_the_lungs_has_the_size_of_its_film(films: Films) -> None:
    write_dx(films.path, lung_film())
    outline = np.zeros((32, 32), np.float32)
    outline[8:24, 4:12] = 1
    _, (png,) = films.desk.ask("films", "lungs", {"spool_name": films.name}, [packed(outline)])
    layer = decoded(png)
    assert layer.shape == (640, 512, 4)
    rows, columns = np.nonzero(layer[..., 3])
    assert abs(rows.min() - 160) < 16 and abs(rows.max() - 480) < 16
    assert abs(columns.min() - 64) < 16 and abs(columns.max() - 192) < 16
    assert not layer[200:440, 100:156].any(), "the anatomy inside is left alone"


def test_what_is_no_outline_makes_no_picture(films: Films) -> None:
    write_dx(films.path, lung_film())
    with pytest.raises(PictureFailed):
        films.desk.ask("films", "lungs", {"spool_name": films.name}, [b"no outline"])
    assert films.film()[1].shape == (640, 512), "the next picture is made"


HOSTILE: dict[str, Callable[[Path], object]] = {
    "no DICOM": lambda path: path.write_bytes(b"not a film" * 50),
    "empty": lambda path: path.write_bytes(b""),
    "broken codestream": lambda path: write_dx(path, _broken()),
    "more pixels than there are": lambda path: write_dx(path, make_dx(Rows=30_000, Columns=30_000)),
    "blank": lambda path: write_dx(path, make_dx(np.zeros((300, 260), np.uint16))),
    "gone": lambda path: path.unlink(missing_ok=True),
}


def _broken() -> Dataset:
    ds = make_dx(rows=300, columns=260)
    compress_with(ds, JPEG2000Lossless, b"\xff\x4f\xff\x51" + bytes(200))
    return ds


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_cannot_be_shown_ends_in_a_code_and_the_next_film_is_made(films: Films, hostile: str) -> None:
    HOSTILE[hostile](films.path)
    with pytest.raises(PictureFailed) as raised:
        films.film()
    assert raised.value.reason_code in ("unreadable", "undecodable", "too-large", "implausible-blank")
    assert str(raised.value)
    write_dx(films.path, make_dx(rows=300, columns=260))
    assert films.film()[1].shape == (300, 260)


def test_a_child_that_is_killed_fails_one_film(films: Films) -> None:
    write_dx(films.path, make_dx(rows=300, columns=260))
    films.film()
    mine = [pid for pid in children_of(os.getpid()) if b"scp_node.web.pictures.child" in _command(pid)]
    os.kill(mine[0], signal.SIGSTOP)
    with pytest.raises(PictureFailed, match="not made within"):
        films.desk.ask("films", "film", {"spool_name": films.name}, timeout_s=0.5)
    assert films.film()[1].shape == (300, 260)
    (child,) = [pid for pid in children_of(os.getpid()) if b"scp_node.web.pictures.child" in _command(pid)]
    os.kill(child, signal.SIGKILL)
    with suppress(PictureFailed):  # where its death was not seen before it was asked
        films.film()
    assert films.film()[1].shape == (300, 260)


def _command(pid: int) -> bytes:
    return (Path("/proc") / str(pid) / "cmdline").read_bytes()


def test_the_last_films_are_kept_and_no_others(tmp_path: Path) -> None:
    kept = FilmsKept()
    film = Film(np.zeros((2, 2), np.uint8), np.eye(3))
    paths = [tmp_path / str(number) for number in range(FILMS_KEPT_MAX + 1)]
    for path in paths:
        path.touch()
        kept.put(path, film)
    assert kept.get(paths[0]) is None and kept.get(paths[1]) is film
    paths[1].unlink()
    assert kept.get(paths[1]) is None
