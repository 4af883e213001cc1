"""A model that outlines lungs: when there are any, when a film has the whole of them, and what a node makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from pydicom import Dataset

from converter.analysis.analyse import ANALYSIS, analyse
from converter.analysis.lungs import NOT_FOUND, are_found, as_note, refusal
from converter.analysis.outcome import Examined
from converter.analysis.policy import GateMode, Policy
from converter.analysis.ports import FileDecoder
from converter.declined import Declined
from converter.package.lungs import Lungs, OutlineFit
from converter.package.manifest import load_manifest
from converter.result import template
from converter.result.place import Place
from scp_node.inference.packages import find_package
from scp_node.inference.session import InferenceSession
from scp_node.ledger import Transaction
from scp_node.monitoring.reproduce import ReproductionSource, overall, reproduce
from scp_node.queries.gate_refusals import gate_refusals
from scp_node.queries.study_story import story_of
from scp_node.reporting.rehearsal import rehearse
from scp_node.telemetry import metrics
from scp_node.workflow.services import Services
from tests.support.dicom.lung_films import LOWER_RIGHT, UPPER_LEFT, lung_film
from tests.support.dicom.phantoms import write_dx
from tests.support.ledger.studies import SETTINGS, report_study, worker_services
from tests.support.models.tiny_model import LUNGS, SIDE, TINY, TINY_LUNGS, tiny_lungs
from training.data import frame
from training.packaging.graph_model import Package, open_package

RULES = Lungs(edge_max=0.25)


def outline(*boxes: tuple[int, int, int, int], share: float = 0.9) -> np.ndarray:
    """64 x 64 cells, those of `boxes` (top, bottom, left, right) with that share of lung."""
    cells = np.zeros((64, 64), np.float32)
    for top, bottom, left, right in boxes:
        cells[top:bottom, left:right] = share
    return cells


TWO = outline((12, 52, 8, 26), (12, 52, 38, 56))


def test_a_manifest_without_lungs_is_read_as_before() -> None:
    assert load_manifest(TINY / "manifest.yaml").lungs is None
    assert load_manifest(TINY_LUNGS / "manifest.yaml").lungs == Lungs.model_validate(LUNGS)


def test_the_rules_are_those_by_which_graphs_are_made() -> None:
    rules = Lungs()
    assert (rules.level, rules.area_min, rules.side_min) == (frame.LUNG, frame.AREA_MIN, frame.SIDE_MIN)
    assert rules.beyond == frame.BEYOND


def test_lungs_are_found_where_the_graph_makes_a_frame_of_them() -> None:
    random, found = np.random.default_rng(5), 0
    for _ in range(500):
        starts, sizes = random.integers(0, 50, (3, 2)), random.integers(2, 40, (3, 2))
        boxes = [(y, y + h, x, x + w) for (y, x), (h, w) in zip(starts.tolist(), sizes.tolist(), strict=True)]
        cells = outline(*boxes[: random.integers(0, 4)], share=float(random.random()))
        assert are_found(RULES, cells) == frame.frame_of(cells).found
        found += are_found(RULES, cells)
    assert 50 < found < 450


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (TWO, True),
        (outline(), False),
        (outline((12, 52, 8, 56), share=0.5), False),
        (outline((0, 64, 0, 3)), False),
        (outline((30, 34, 4, 60)), False),
        (outline((20, 40, 20, 40)), True),
        (outline((20, 38, 20, 40)), False),
    ],
    ids=["two lungs", "nothing", "half everywhere", "too little", "too low", "just large enough", "a cell less"],
)
def test_what_counts_as_lungs(cells: np.ndarray, found: bool) -> None:
    assert are_found(RULES, cells) is found


@pytest.mark.parametrize(
    ("cells", "edge"),
    [
        (TWO, None),
        (outline((12, 52, 0, 26), (12, 52, 38, 56)), "left edge (along 63 % of it, more than 25 %)"),
        (outline((12, 52, 8, 26), (12, 52, 38, 64)), "right edge (along 63 % of it, more than 25 %)"),
        (outline((0, 40, 8, 26), (0, 40, 38, 56)), "upper edge (along 57 % of it, more than 25 %)"),
        (outline((24, 64, 8, 26), (24, 64, 38, 56)), "lower edge (along 57 % of it, more than 25 %)"),
        (outline((20, 36, 0, 26), (12, 52, 38, 56)), None),
        (outline((20, 37, 0, 26), (12, 52, 38, 56)), "left edge (along 27 % of it, more than 25 %)"),
    ],
    ids=["inside", "left", "right", "upper", "lower", "at the limit", "one cell more"],
)
def test_lungs_that_leave_the_film_are_not_whole(cells: np.ndarray, edge: str | None) -> None:
    refused = refusal(RULES, cells)
    assert refused == (None if edge is None else Declined("lungs-not-whole", f"the lungs leave the film at its {edge}"))


@pytest.mark.parametrize(
    ("cells", "is_half"),
    [
        (outline((12, 52, 20, 44)), True),
        (outline((12, 52, 14, 38)), True),
        (outline((12, 52, 6, 30)), False),
        (outline((12, 52, 34, 58)), False),
        (outline((12, 52, 8, 30), (20, 44, 34, 56)), False),
        (outline((12, 52, 8, 26), (12, 52, 38, 56), (24, 34, 26, 38)), False),
    ],
    ids=["in the middle", "nearly", "a right lung alone", "a left lung alone", "two", "two that touch"],
)
def test_a_single_lung_in_the_middle_is_that_of_half_a_film(cells: np.ndarray, is_half: bool) -> None:
    refused = refusal(RULES, cells)
    assert (refused is not None) is is_half
    assert (
        refused is None or refused.reason == "one lung is outlined, in the middle of the film, and no other beside it"
    )


def test_a_site_that_only_wants_to_be_told_is_told_the_code() -> None:
    refused = refusal(RULES, outline((12, 52, 0, 26)))
    assert refused is not None and "would have declined the image [lungs-not-whole]: the lungs leave" in as_note(
        refused
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"level": 0.4}, "level"),
        ({"edge_max": 0.0}, "edge_max"),
        ({"edge_max": 1.5}, "edge_max"),
        ({"side_min": 1.0}, "side_min"),
        ({"edges": 0.2}, "Extra inputs"),
        ({"fit": {"films": 0, "mean": 0.9, "median": 0.9, "fifth_percentile": 0.8, "least": 0.5}}, "films"),
        ({"sources": [{"name": "x", "films": 1}]}, "licence"),
    ],
)
def test_a_section_that_says_nonsense_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Lungs.model_validate({**LUNGS, **change})


def test_a_dice_above_one_is_none() -> None:
    with pytest.raises(ValidationError, match="least"):
        OutlineFit(films=3, mean=0.9, median=0.9, fifth_percentile=0.8, least=1.1)


# In the one analysis


@pytest.fixture(scope="module")
def model() -> Package:
    return open_package(TINY_LUNGS)


def analysed(model: Package, tmp_path: Path, film: Dataset, mode: GateMode = "refuse") -> Examined:
    path = write_dx(tmp_path / "film.dcm", film)
    return analyse(path, model, FileDecoder(), Policy(mode, 512, 1_000_000))


def test_the_lungs_are_looked_at_after_the_gate_and_before_the_findings_are_judged() -> None:
    names = [step.__name__ for step in ANALYSIS]
    assert names.index("pass_gate") + 1 == names.index("look_at_lungs") == names.index("judge") - 1


@pytest.mark.parametrize(
    ("spots", "words"),
    [
        ([LOWER_RIGHT], "right lung, lower zone"),
        ([UPPER_LEFT], "left lung, upper zone"),
        ([], None),
    ],
)
def test_a_positive_finding_has_its_place(
    model: Package, tmp_path: Path, spots: list[tuple[float, float]], words: str | None
) -> None:
    found = analysed(model, tmp_path, lung_film(*spots)).analysed
    assert found is not None and found.lungs is not None and found.lungs.shape == (32, 32)
    bright, dark = found.findings
    assert (bright.positive, dark.positive, dark.place) == (True, False, None)
    assert (bright.place.words if bright.place else None) == words


def test_a_film_that_is_stored_mirrored_has_the_same_place(model: Package, tmp_path: Path) -> None:
    film = lung_film(LOWER_RIGHT)
    film.PixelData = np.ascontiguousarray(film.pixel_array[:, ::-1]).tobytes()
    film.PatientOrientation = ["R", "F"]
    found = analysed(model, tmp_path, film).analysed
    assert found is not None and found.findings[0].place == Place(right=("lower",))


@pytest.mark.parametrize(("first", "last"), [(0.25, 1.0), (0.0, 0.72), (0.0, 0.5)], ids=["left", "right", "half"])
def test_a_part_of_a_film_is_declined(model: Package, tmp_path: Path, first: float, last: float) -> None:
    examined = analysed(model, tmp_path, lung_film(LOWER_RIGHT, first=first, last=last))
    assert examined.declined is not None and examined.declined.code == "lungs-not-whole"
    assert examined.gate == examined.declined and examined.converted is not None and examined.notes == ()


def test_a_site_may_only_be_told_of_a_part(model: Package, tmp_path: Path) -> None:
    examined = analysed(model, tmp_path, lung_film(LOWER_RIGHT, first=0.25), "note")
    assert examined.analysed is not None and examined.gate is not None
    assert examined.notes == (as_note(examined.gate),)
    assert [found.place for found in examined.analysed.findings] == [None, None], "a part of a lung has no zones"


def test_without_a_gate_nothing_is_said_of_a_part(model: Package, tmp_path: Path) -> None:
    examined = analysed(model, tmp_path, lung_film(LOWER_RIGHT, first=0.25), "off")
    assert examined.analysed is not None and examined.gate is None and examined.notes == ()
    assert examined.analysed.findings[0].place is None


def even_film() -> Dataset:
    """A film without anything as dark as a lung."""
    film = lung_film(LOWER_RIGHT)
    film.PixelData = np.maximum(film.pixel_array, 2300).astype(np.uint16).tobytes()
    return film


@pytest.mark.parametrize("mode", ["refuse", "note", "off"])
def test_where_no_lungs_are_outlined_the_whole_film_was_analysed(
    model: Package, tmp_path: Path, mode: GateMode
) -> None:
    examined = analysed(model, tmp_path, even_film(), mode)
    assert examined.analysed is not None and examined.notes == (NOT_FOUND,) and examined.gate is None
    assert examined.analysed.lungs is None
    assert [found.place for found in examined.analysed.findings] == [None, None]


@pytest.mark.parametrize("spots", [[LOWER_RIGHT], []])
def test_a_package_without_lungs_says_of_the_same_film_what_it_always_said(
    model: Package, tmp_path: Path, spots: list[tuple[float, float]]
) -> None:
    with_lungs = analysed(model, tmp_path, lung_film(*spots)).analysed
    without = analysed(open_package(TINY), tmp_path, lung_film(*spots)).analysed
    assert with_lungs is not None and without is not None and without.lungs is None
    said = [
        [(found.name, found.probability, found.positive) for found in one.findings] for one in (with_lungs, without)
    ]
    assert said[0] == said[1] and all(found.place is None for found in without.findings)
    assert analysed(open_package(TINY), tmp_path, lung_film(first=0.25)).analysed is not None


def test_training_and_node_see_the_same_lungs(model: Package) -> None:
    gray = np.random.default_rng(2).normal(-0.5, 0.5, (1, SIDE, SIDE)).astype(np.float32)
    session = InferenceSession(find_package(TINY_LUNGS.parents[1], "tiny-lungs"), ["cpu"])
    node, training = session.run(gray[None]).image(0).lungs, model.score(gray).lungs
    assert node is not None and training is not None
    np.testing.assert_allclose(node, training, atol=1e-6)
    np.testing.assert_allclose(node, tiny_lungs(gray)[0, 0], atol=1e-5)


# In the node


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    with worker_services(tmp_path, TINY_LUNGS) as services:
        yield services


def test_the_ledger_keeps_outline_and_place(services: Services) -> None:
    report_study(services, 1, lung_film(LOWER_RIGHT))
    with services.ledger.reading() as tx:
        kept = tx.instances.analysis("1.2.3.1.1")
        assert film_words(tx) == [("bright", "right lung, lower zone"), ("dark", "")]
    assert kept is not None and kept.lungs is not None
    assert [found.place for found in kept.findings] == [Place(right=("lower",)), None]


def film_words(tx: Transaction) -> list[tuple[str, str]]:
    (film,) = story_of(tx, "1.2.3.1").images
    return [(found.name, found.place) for found in film.findings]


def test_a_part_of_a_film_is_counted_as_refused_and_has_no_outline(services: Services) -> None:
    counted = metrics.gate_refusals.labels("lungs-not-whole", "refuse")._value.get()
    report_study(services, 1, lung_film(first=0.25))
    assert metrics.gate_refusals.labels("lungs-not-whole", "refuse")._value.get() == counted + 1
    with services.ledger.reading() as tx:
        assert tx.instances.get("1.2.3.1.1").decline_code == "lungs-not-whole"
        assert tx.instances.analysis("1.2.3.1.1") is None
        assert [one.code for one in gate_refusals(tx, "tiny@1.0.0").images] == ["lungs-not-whole"]


def test_the_first_studies_after_a_rehearsal_make_no_template_of_their_own(services: Services) -> None:
    template._template.cache_clear()
    rehearse(services.models.get("tiny").manifest, "HILUM", SETTINGS.report)
    before = template._template.cache_info().misses
    report_study(services, 1, lung_film(LOWER_RIGHT, instance=1), lung_film(UPPER_LEFT, instance=2))
    report_study(services, 2, lung_film(seed=2), lung_film(first=0.25, seed=2, instance=2))
    assert template._template.cache_info().misses == before


def test_the_analysis_is_reproduced_to_the_byte(services: Services) -> None:
    source = ReproductionSource(SETTINGS, services.ledger, services.spool, services.models, services.decode_pool)
    for result in report_study(services, 1, lung_film(LOWER_RIGHT)):
        checks = list(reproduce(source, result.sop_instance_uid))
        assert overall(checks) == "same", checks
