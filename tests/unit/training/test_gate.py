"""What an input gate learns from, how it is added to a graph, and what its threshold keeps."""

from __future__ import annotations

import gzip
import shutil
import struct
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
import yaml

from converter.declined import GATE_CODES
from converter.image.model_input import normalise
from converter.package.distribution import Distribution
from converter.package.gate import GATE_KINDS_MAX, Gate, GateSource, refusal
from converter.package.manifest import load_manifest
from converter.package.network import InputSpec, Normalisation
from converter.phantom import patterns
from converter.phantom.crude_chests import CRUDE_CHESTS
from tests.support.models.tiny_model import GATE, SIDE, TINY, TINY_GATED, graph_bytes
from training.__main__ import main
from training.gate import packages, pool, quality
from training.gate.films import KEPT, PARTS, half, half_covered, inverted, part, rotated, small_part
from training.gate.pictures import PACKED_BYTES, packed_pictures, read_picture
from training.gate.sources import (
    Make,
    PictureFolders,
    Source,
    as_density,
    dicom_files,
    drawn,
    lying,
    nifti,
    pictures,
    slices,
)
from training.gate.spec import SIDE as FITTED_SIDE
from training.gate.subjects import BRAIN, CHEST, SUBJECTS, Subject, subject_of
from training.gate.threshold import choose_threshold
from training.gate.volumes import Volume, projection, read_nifti, slice_of
from training.packaging.manifest_file import write_manifest

KINDS, NAMES = CHEST.kinds, CHEST.names
WAYS = {**CHEST.ways, **BRAIN.ways}
FILM = np.arange(40 * 40, dtype=np.uint16).reshape(40, 40).astype(np.uint8)


def test_a_spoiled_film_never_lies_as_a_film_may() -> None:
    for seed in range(40):
        turned = rotated(FILM, np.random.default_rng(seed))
        assert not np.array_equal(turned, FILM) and not np.array_equal(turned, FILM[:, ::-1])
        assert sorted(turned.ravel()) == sorted(FILM.ravel())
        rows, columns = small_part(FILM, np.random.default_rng(seed)).shape
        assert 8 <= rows <= 20 and 8 <= columns <= 20
        negative = inverted(FILM, np.random.default_rng(seed))
        assert np.array_equal(negative, 255 - FILM) or np.array_equal(negative, 255 - FILM[:, ::-1])


def smooth_film(side: int = 96) -> np.ndarray:
    """A soft picture with every gray value."""
    rng = np.random.default_rng(11)
    gray = cv2.GaussianBlur(rng.random((side, side), np.float32), (0, 0), side / 20)
    return np.asarray(np.round((gray - gray.min()) / np.ptp(gray) * 255), np.uint8)


SMOOTH = smooth_film()


@pytest.mark.parametrize("side", [64, 96, 256])
@pytest.mark.parametrize("kind", list(WAYS))
def test_every_way_to_spoil_a_film_gives_a_picture_of_it_that_the_seed_decides(kind: str, side: int) -> None:
    film, before = smooth_film(side), smooth_film(side)
    for seed in range(25):
        spoiled, again = (WAYS[kind](film, np.random.default_rng(seed)) for _ in range(2))
        assert spoiled.dtype == np.uint8 and spoiled.ndim == 2 and min(spoiled.shape) >= 8
        np.testing.assert_array_equal(spoiled, again)
        np.testing.assert_array_equal(film, before)
        assert spoiled.shape != film.shape or not np.array_equal(spoiled, film)
        if not kind.startswith("part-of-"):
            assert spoiled.shape == film.shape


def test_half_a_film_is_one_of_its_sides_and_no_more_than_three_quarters_of_it() -> None:
    seen = set()
    for seed in range(60):
        rows, columns = half(SMOOTH, np.random.default_rng(seed)).shape
        kept = half(SMOOTH, np.random.default_rng(seed))
        sides = {
            "upper": SMOOTH[:rows], "lower": SMOOTH[-rows:], "left": SMOOTH[:, :columns], "right": SMOOTH[:, -columns:]
        }  # fmt: skip
        (side,) = [name for name, one in sides.items() if np.array_equal(one, kept)]
        share = min(rows, columns) / 96
        assert KEPT[side][0] - 0.02 <= share <= KEPT[side][1] <= 0.75
        seen.add(side)
    assert seen == set(KEPT)


def test_a_film_that_is_half_black_is_a_part_and_lies_in_its_place() -> None:
    grays = set()
    for seed in range(60):
        covered = half_covered(SMOOTH, np.random.default_rng(seed))
        kept = covered == SMOOTH
        (gray,) = np.unique(covered[~kept])
        grays.add(int(gray))
        assert 0.3 < kept.mean() < 0.8
    assert {0, 255} < grays
    assert half_covered in PARTS and WAYS["part-of-chest"] is part


def test_what_cannot_be_read_is_beyond_what_a_film_may_be() -> None:
    """Neither detail of some pixels nor more than a few levels is left, or noise is as large as what is shown."""
    gray = np.asarray(SMOOTH / 255, np.float32)
    detail = np.random.default_rng(5).random((96, 96), np.float32)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        assert quality.blurred(detail, rng)[20:-20, 20:-20].std() < 0.4 * detail.std()
        assert len(np.unique(quality.bright(gray, rng))) <= 6
        clipped = np.clip(quality.clipped(gray, rng), 0, 1)
        assert ((clipped == 0) | (clipped == 1)).mean() > 0.6
        assert np.abs(np.clip(quality.noisy(gray, rng), 0, 1) - gray).mean() > 0.08
        assert np.median(quality.dark(gray, rng)) < 0.45


@pytest.mark.parametrize("draw", CRUDE_CHESTS, ids=lambda one: one.__name__)
def test_a_crude_drawing_of_a_chest_is_a_picture_of_its_own_each_time(
    draw: Callable[[np.random.Generator], np.ndarray],
) -> None:
    drawings = [draw(np.random.default_rng(seed)) for seed in range(12)]
    assert all(one.shape == (256, 256) and one.dtype == np.uint8 and np.ptp(one) > 20 for one in drawings)
    np.testing.assert_array_equal(drawings[3], draw(np.random.default_rng(3)))
    assert len({one.tobytes() for one in drawings}) == 12


def test_a_gate_that_was_fitted_before_there_were_more_kinds_stays_valid() -> None:
    gate = load_manifest(TINY_GATED / "manifest.yaml").gate
    assert gate is not None and not {"photographed-screen", "unreadable"} & {kind.name for kind in gate.kinds}
    of_now = [{"name": kind.name, "code": kind.code, "reason": kind.reason} for kind in KINDS]
    made = Gate.model_validate({"kinds": of_now, "threshold": 0.5, "threshold_rule": "halfway"})
    shares = np.full(len(KINDS), 0.01, np.float32)
    for kind, code in (("unreadable", "gate-quality"), ("photographed-screen", "gate-picture")):
        shares[NAMES.index(kind)] = 0.9
        refused = refusal(made, shares)
        assert refused is not None and refused.code == code
        shares[:] = 0.01


each_subject = pytest.mark.parametrize("subject", SUBJECTS.values(), ids=list(SUBJECTS))


@each_subject
def test_every_kind_but_the_first_has_a_code_and_a_reason_of_its_own(subject: Subject) -> None:
    accepted, *others = subject.kinds
    assert accepted.code == "" and accepted.name == subject.accepted
    assert {kind.code for kind in others} <= set(GATE_CODES)
    assert len({kind.reason for kind in others}) == len(others) and all(kind.reason for kind in others)
    assert len(subject.names) == len(set(subject.names)) <= GATE_KINDS_MAX


def test_the_gate_of_chests_gives_every_code() -> None:
    assert list(dict.fromkeys(kind.code for kind in KINDS[1:])) == list(GATE_CODES)


@each_subject
def test_every_source_has_a_kind_a_licence_and_a_name_of_its_own(subject: Subject) -> None:
    sources = subject.sources
    assert len({source.name for source in sources}) == len(sources)
    assert all(source.kind in subject.names and source.licence and source.origin for source in sources)
    assert {one.kind for one in sources if one.role == "measure"} >= {*subject.other_shares} - {"lateral-chest"}


@each_subject
def test_every_kind_to_refuse_is_made_of_accepted_pictures_or_has_a_source_to_learn_from(subject: Subject) -> None:
    """The shares of either are those of one half of a batch."""
    assert set(subject.ways) == set(subject.made_shares)
    learned = {source.kind for source in subject.sources if source.role == "train"}
    assert set(subject.other_shares) == learned
    assert {*subject.ways, *subject.other_shares} == {*subject.names[1:]}
    gate = Gate(
        kinds=tuple({"name": one.name, "code": one.code, "reason": one.reason} for one in subject.kinds),
        threshold=0.5,
        threshold_rule="halfway",
    )
    assert subject_of(gate) is subject


# Volumes


def body() -> Volume:
    """A trunk of water 40 wide and 20 deep in air, with a lung of air in it and a bone behind."""
    values = np.full((30, 50, 50), -1000.0, np.float32)
    values[:, 15:35, 5:45] = 0
    values[5:20, 20:30, 10:20] = -1000
    values[:, 31:34, 23:27] = 1000
    return Volume(values, (2.0, 1.0, 1.0))


def test_a_body_is_wide_from_the_front_and_narrow_from_the_side() -> None:
    front, side = (projection(body(), degrees, np.random.default_rng(3)) for degrees in (0, 90))
    assert front.shape == side.shape == (60, 50)
    widths = [int((film[50] > film[50].min()).sum()) for film in (front, side)]
    assert widths[0] > widths[1] + 10


def test_what_is_denser_is_brighter_and_air_is_darker() -> None:
    film = projection(body(), 0, np.random.default_rng(3)).astype(int)
    lung, water, bone = film[20, 15], film[50, 15], film[50, 25]
    assert lung < water < bone


def test_a_lying_body_is_seen_from_above() -> None:
    film = projection(lying(body()), 0, np.random.default_rng(3))
    assert film.shape == (50, 50), "as deep and as wide as the body, whatever its height"
    rows, columns = np.nonzero(film > film.min())
    assert np.ptp(columns) > np.ptp(rows) + 10


def test_the_brightness_of_an_mr_picture_is_taken_for_density() -> None:
    stored = Volume(np.array([[[0.0, 100.0, 200.0]]], np.float32), (1.0, 1.0, 1.0))
    np.testing.assert_allclose(as_density(stored, 100).values, [[[-1000, 300, 1600]]])


def test_a_nifti_volume_is_read_head_first_and_front_first(tmp_path: Path) -> None:
    stored = np.arange(2 * 3 * 4, dtype="<i2").reshape(4, 3, 2)
    header = bytearray(352)
    struct.pack_into("<8h", header, 40, 3, 2, 3, 4, 1, 1, 1, 1)
    struct.pack_into("<h", header, 70, 4)
    struct.pack_into("<4f", header, 76, 1, 0.5, 1.5, 2.5)
    struct.pack_into("<3f", header, 108, 352, 2, -10)
    (tmp_path / "v.nii.gz").write_bytes(gzip.compress(bytes(header) + stored.tobytes()))
    volume = read_nifti(tmp_path / "v.nii.gz")
    assert volume.spacing_mm == (2.5, 1.5, 0.5)
    np.testing.assert_array_equal(volume.values, stored[::-1, ::-1] * 2.0 - 10)


def test_a_slice_has_the_proportions_of_the_body_and_its_window() -> None:
    picture = slice_of(body(), 1, 0.5, (-1000, 0))
    assert picture.shape == (60, 50)
    assert picture[20, 15] == 0 and picture[50, 15] == 255


# Packages and what is made of them


def wheel_of(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny/picture.txt", "picture")
    return folder / "tiny-1.0-py3-none-any.whl"


def tarball_of(folder: Path) -> Path:
    (folder / "picture.txt").write_text("picture")
    with tarfile.open(folder / "tiny-1.0.tgz", "w:gz") as tar:
        tar.add(folder / "picture.txt", "tiny/picture.txt")
    return folder / "tiny-1.0.tgz"


def deb_of(folder: Path) -> Path:
    if shutil.which("dpkg-deb") is None:
        pytest.skip("dpkg-deb is not installed")
    for name, text in (
        ("DEBIAN/control", "Package: tiny\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b.c>\nDescription: x\n"),
        ("tiny/picture.txt", "picture"),
    ):
        (folder / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "tree" / name).write_text(text)
    subprocess.run(["dpkg-deb", "--build", folder / "tree", folder / "tiny_1_all.deb"], check=True)
    return folder / "tiny_1_all.deb"


@pytest.mark.parametrize("archive_of", [wheel_of, tarball_of, deb_of])
def test_a_package_is_unpacked_below_a_relative_folder(
    archive_of: Callable[[Path], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = archive_of(tmp_path)
    monkeypatch.chdir(tmp_path)
    Path("packages").mkdir()
    packages.fetch_package(Path("packages"), "tiny", ["cp", str(archive), "."])
    assert (tmp_path / "packages" / "tiny" / "tiny" / "picture.txt").read_text() == "picture"
    assert [path.name for path in Path("packages").iterdir()] == ["tiny"], "nothing else is left behind"


def test_only_files_of_its_own_folder_come_out_of_a_tarball(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "t.tgz", "w:gz") as tar:
        for name in ("a/picture", "../beside", f"{tmp_path}/absolute"):
            member = tarfile.TarInfo(name)
            member.size = 3
            tar.addfile(member, BytesIO(b"abc"))
        link = tarfile.TarInfo("a/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with tarfile.open(tmp_path / "t.tgz") as tar:
        packages.unpack_files(tar, tmp_path / "out")
    assert {path.name for path in tmp_path.rglob("*")} == {"t.tgz", "out", "a", "picture"}


def test_a_package_that_is_cut_off_is_fetched_again_and_the_others_are_not_held_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = wheel_of(tmp_path)
    cut = tmp_path / "cut.whl"
    cut.write_bytes(whole.read_bytes()[:60])
    commands = {"cut": ["cp", str(cut), "."], "absent": ["no-such-client"], "tiny": ["cp", str(whole), "."]}
    monkeypatch.setattr(packages, "_commands", commands.items)
    with pytest.raises(SystemExit) as ended:
        packages.fetch(tmp_path / "packages")
    assert "absent: no-such-client is not installed" in str(ended.value) and "cut: " in str(ended.value)
    assert "tiny" not in str(ended.value)
    assert [path.name for path in (tmp_path / "packages").iterdir()] == ["tiny"]
    commands["cut"] = commands["absent"] = ["cp", str(whole), "."]
    commands["tiny"] = ["no-such-client"]
    packages.fetch(tmp_path / "packages")
    assert {path.name for path in (tmp_path / "packages").iterdir()} == {"cut", "absent", "tiny"}


def places(folder: Path) -> PictureFolders:
    return PictureFolders(folder, folder, folder)


def ramps(count: int) -> Source:
    return Source("ramps", "noise", "train", "none", "drawn", drawn((patterns.ramp,), count))


def test_kept_pictures_are_made_anew_when_what_draws_them_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = pool.made(ramps(3), places(tmp_path), 32)
    assert first.pictures.shape == (3, 32, 32)
    np.testing.assert_array_equal(pool.made(ramps(5), places(tmp_path), 32).pictures, first.pictures)
    changed = tmp_path / "changed.py"
    changed.write_text("another way to draw")
    module = ModuleType("changed")
    module.__file__ = str(changed)
    monkeypatch.setattr(pool, "MAKERS", (*pool.MAKERS, module))
    assert len(pool.made(ramps(5), places(tmp_path), 32).pictures) == 5


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (pictures("tiny", 1), "no picture of it lies in"),
        (dicom_files("dicom/film.dcm"), "film.dcm is missing"),
        (slices(nifti("tiny/head.nii.gz"), ((0, 255),), 3), "head.nii.gz is missing"),
    ],
)
def test_a_source_without_its_package_is_told_in_a_sentence(make: Make, said: str, tmp_path: Path) -> None:
    source = Source("tiny", "picture", "train", "none", "tiny", make)
    with pytest.raises(SystemExit, match=f"^tiny: .*{said}.*training gate fetch"):
        pool.made(source, places(tmp_path), 32)


def png(pixels: np.ndarray) -> bytes:
    return bytes(cv2.imencode(".png", pixels)[1])


def test_what_is_see_through_shows_the_ground() -> None:
    pixels = np.zeros((30, 30, 4), np.uint8)
    pixels[:15, :, 3] = 255
    picture = read_picture(png(pixels), 200)
    assert picture is not None and picture[0, 0] == 0 and picture[29, 0] == 200


@pytest.mark.parametrize("data", [b"nothing", b"", png(np.zeros((10, 10), np.uint8))])
def test_what_is_no_picture_or_too_small_is_passed_over(data: bytes) -> None:
    assert read_picture(data, 0) is None


def test_pictures_are_found_inside_a_resource_file(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (80, 80), np.uint8)
    inside = png(noise)
    assert len(inside) > PACKED_BYTES[0]
    (tmp_path / "a.rcc").write_bytes(b"qres" + len(inside).to_bytes(4, "big") + inside + b"tail")
    (found,) = packed_pictures(tmp_path)
    picture = read_picture(found, 0)
    assert picture is not None
    np.testing.assert_array_equal(picture, noise)


# Threshold


def test_the_threshold_is_half_where_val_bears_it() -> None:
    threshold, rule = choose_threshold({"a": np.array([0.4, *[0.9] * 199], np.float32), "b": np.full(50, 0.99)})
    assert threshold == 0.5 and "1 of 200 of a, 0 of 50 of b" in rule


def test_the_threshold_is_lower_where_half_would_refuse_too_many() -> None:
    shares = np.array([*np.linspace(0.1, 0.2, 10), *[0.9] * 90], np.float32)
    threshold, rule = choose_threshold({"a": shares, "b": np.full(10, 0.99, np.float32)})
    assert threshold == pytest.approx(0.1111, abs=1e-4)
    assert (shares < threshold).sum() == 1 and "1 of 100 of a" in rule


# The graph

GATE_SIDE = 32
GATE_SPEC = InputSpec.model_validate(
    {
        "name": "small",
        "height": GATE_SIDE,
        "width": GATE_SIDE,
        "layout": "NCHW",
        "normalisation": {"name": "centre-standardise"},
    }
)
SCALED = InputSpec.model_validate(
    {"height": SIDE, "width": SIDE, "layout": "NCHW", "normalisation": {"name": "scale", "mean": 0.5, "std": 0.25}}
)


def gate_graph(side: int = GATE_SIDE) -> bytes:
    """A gate whose three kinds weigh what it sees, each place its own way."""
    onnx = pytest.importorskip("onnx", reason="the package onnx is not installed (extra [training])")
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    weights = np.random.default_rng(5).normal(0, 0.05, (side**2, 3)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["small"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["kinds"]),
            helper.make_node("Softmax", ["kinds"], ["out"], axis=1),
        ],
        "gate",
        [helper.make_tensor_value_info("small", 1, ["N", 1, side, side])],
        [helper.make_tensor_value_info("out", 1, ["N", 3])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def run(graph: bytes, name: str, inputs: np.ndarray) -> dict[str, np.ndarray]:
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {name: inputs}), strict=True))


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_a_graph_with_a_gate_gives_what_it_gave_and_what_the_gate_gives(layout: str) -> None:
    gate = gate_graph()
    from training.gate.attach import add_gate

    spec = SCALED.model_copy(update={"layout": layout})
    before = graph_bytes(layout)  # type: ignore[arg-type]
    after = add_gate(before, spec, gate, GATE_SPEC)
    assert after == add_gate(before, spec, gate, GATE_SPEC), "the same bytes each time"
    with pytest.raises(RuntimeError, match="has an input gate already"):
        add_gate(after, spec, gate, GATE_SPEC)
    gray = np.random.default_rng(2).random((3, SIDE, SIDE)).astype(np.float32)
    inputs = (gray - 0.5) / 0.25
    inputs = inputs[:, None] if layout == "NCHW" else inputs[..., None]
    old, new = run(before, "image", inputs), run(after, "image", inputs)
    np.testing.assert_array_equal(new["probability"], old["probability"])
    np.testing.assert_array_equal(new["cam"], old["cam"])
    small = [cv2.resize(one, (GATE_SIDE, GATE_SIDE), interpolation=cv2.INTER_AREA) for one in gray]
    alone = run(gate, "small", np.stack([normalise(one, GATE_SPEC) for one in small])[:, None])
    np.testing.assert_allclose(new["gate"], alone["out"], atol=2e-3)  # epsilon is added to another deviation
    assert np.ptp(new["gate"], axis=0).max() > 0.01, "the gate tells the three pictures apart"


@pytest.mark.parametrize(("side", "shrunk"), [(64, 16), (224, 64), (100, 64), (64, 64)])
def test_pictures_are_averaged_down_as_the_converter_does(side: int, shrunk: int) -> None:
    pytest.importorskip("onnx", reason="the package onnx is not installed (extra [training])")
    from training.packaging.graph_parts import area_weights

    weights = area_weights(side, shrunk)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
    gray = np.random.default_rng(4).random((side, side)).astype(np.float32)
    wanted = cv2.resize(gray, (shrunk, shrunk), interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(weights @ gray @ weights.T, wanted, atol=1e-5)


def test_an_input_smaller_than_the_gate_needs_is_refused() -> None:
    gate = gate_graph()
    from training.gate.attach import add_gate

    larger = GATE_SPEC.model_copy(update={"height": 2 * SIDE})
    with pytest.raises(RuntimeError, match=f"{2 * SIDE} x {GATE_SIDE} at least"):
        add_gate(graph_bytes("NCHW"), SCALED, gate, larger)


def test_an_input_whose_gray_values_are_gone_is_refused() -> None:
    gate = gate_graph()
    from training.gate.attach import add_gate

    ranks = SCALED.model_copy(update={"normalisation": Normalisation(name="centre-rank")})
    with pytest.raises(RuntimeError, match="not the ranks of 'centre-rank'"):
        add_gate(graph_bytes("NCHW"), ranks, gate, GATE_SPEC)


# The commands


def gate_command(*arguments: str | Path) -> None:
    main(["gate", *map(str, arguments)])


def fitted_run(folder: Path) -> Path:
    folder.mkdir()
    (folder / "gate.onnx").write_bytes(gate_graph(FITTED_SIDE))
    (folder / "gate.yaml").write_text(yaml.safe_dump(GATE))
    return folder


def package_with(folder: Path, source: Path, **changes: object) -> Path:
    shutil.copytree(source, folder)
    manifest = load_manifest(folder / "manifest.yaml")
    write_manifest(folder / "manifest.yaml", manifest.model_copy(update=changes))
    return folder


def test_a_package_with_a_gate_serves_and_does_not_keep_how_many_were_declined_without_it(tmp_path: Path) -> None:
    run_folder = fitted_run(tmp_path / "run")
    before = Distribution(fitted_on="val", images=9, scores={}, inputs={}, declined_share=0.25)
    old = package_with(tmp_path / "tiny" / "1.0.0", TINY, distribution=before)
    new = tmp_path / "tiny" / "1.1.0"
    gate_command("attach", old, run_folder, new)
    from scp_node.inference.packages import open_package, verify_package
    from scp_node.inference.session import InferenceSession

    package = open_package(new)
    verify_package(package, InferenceSession(package, ("cpu",)))
    assert package.manifest.gate is not None and len(package.manifest.gate.kinds) == 3
    assert package.manifest.distribution == before.model_copy(update={"declined_share": None})


@pytest.mark.parametrize(
    ("package", "new", "said"),
    [
        (TINY_GATED, "tiny/1.1.0", "has an input gate already"),
        (TINY, "tiny/next", "as models/NAME/VERSION: version: "),
        (Path("nowhere"), "tiny/1.1.0", "nowhere: .*No such file"),
    ],
)
def test_a_gate_that_cannot_be_added_is_told_in_a_sentence(package: Path, new: str, said: str, tmp_path: Path) -> None:
    run_folder = fitted_run(tmp_path / "run")
    with pytest.raises(SystemExit, match=said):
        gate_command("attach", package, run_folder, tmp_path / new)
    assert not (tmp_path / new).exists()


def test_a_source_that_is_left_out_has_to_be_one_that_is_learned_from(tmp_path: Path) -> None:
    for name in ("stamp", "MATE backgrounds"):
        with pytest.raises(SystemExit, match=f"no such source here: {name}; there are: .*stamps"):
            gate_command("fit", tmp_path / "run", "--without", name)


def test_what_was_learned_from_is_never_measured_as_unseen(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").touch()
    seen = GateSource(name="stamps", kind="picture", images=9, licence="free")
    manifest = load_manifest(TINY_GATED / "manifest.yaml")
    assert manifest.gate is not None
    gate = manifest.gate.model_copy(update={"sources": (seen,)})
    package = package_with(tmp_path / "tiny-gated" / "1.0.0", TINY_GATED, gate=gate)
    with pytest.raises(SystemExit, match=r"no such source here: stamps; there are: .*clip art"):
        gate_command("--data", tmp_path, "--packages", tmp_path, "measure", package, "--also", "stamps")


def test_kinds_that_a_gate_does_not_know_are_not_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from training.gate import measure

    (tmp_path / "manifest.csv").touch()
    noise = np.random.default_rng(0).integers(0, 256, (3, 64, 64), np.uint8)
    groups = [pool.PictureGroup("stamps", "picture", noise), pool.PictureGroup("films, bad", "unreadable", noise)]
    monkeypatch.setattr(measure, "groups_to_measure", lambda *_: ((group, "") for group in groups))
    package = package_with(tmp_path / "tiny-gated" / "1.0.0", TINY_GATED)
    gate_command("--data", tmp_path, "--packages", tmp_path, "measure", package)
    assert "films, bad: not measured, for this gate does not know unreadable" in capsys.readouterr().out
    gate = load_manifest(package / "manifest.yaml").gate
    assert gate is not None and [figure.source for figure in gate.measured] == ["stamps"]


def test_nothing_to_learn_a_kind_from_is_told(tmp_path: Path) -> None:
    pytest.importorskip("keras", reason="the package keras is not installed (extra [training])")
    from training.gate.fit import Batches

    films = [pool.PictureGroup("films", NAMES[0], np.zeros((1, 96, 96), np.uint8))]
    with pytest.raises(SystemExit, match=r"nothing is left to learn lateral-chest, .*noise from"):
        Batches(CHEST, films, [], 1)
