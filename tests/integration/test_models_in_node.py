"""Several model packages in one node, against a real archive: each image to its model, second models unseen, drift
counted, results made again, and what an administrator is told of it all."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from pydicom import Dataset

from converter.package.image_statistics import STATISTICS, measure_distribution
from scp_node.ledger import ShadowRow
from scp_node.ledger import tables as t
from scp_node.ledger.records import now_utc
from tests.support import waiting
from tests.support.dicom.phantoms import make_dx
from tests.support.dicom.slices import make_ct, make_mr
from tests.support.models.tiny_model import copy_tiny, random_tiny
from tests.support.node.node import RunningNode, running_node
from tests.support.peers.modality import store
from tests.support.peers.orthanc import Orthanc, running_orthanc

pytestmark = [pytest.mark.peer("Orthanc"), pytest.mark.timeout(600)]
until = functools.partial(waiting.until, timeout_s=150.0, pause_s=0.1)
SR_CLASS = "1.2.840.10008.5.1.4.1.1.88.34"
BRAIN = {
    "modalities": ["MR", "CT"],
    "body_parts": ["BRAIN", "HEAD"],
    "views": [],
    "ages": {"min_years": 0, "max_years": 120},
    "statement": "For tests of slices only.",
}


def finding(name: str, code: str, threshold: float) -> dict[str, Any]:
    return {
        "name": name,
        "concept": {"value": code, "scheme": "99HILUM", "meaning": name.capitalize()},
        "operating_threshold": threshold,
        "threshold_rule": "by choice",
        "calibration": {"method": "none", "fitted_on": "nothing"},
    }


@pytest.fixture(scope="module")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    rng = np.random.default_rng(1)
    films = [dict.fromkeys(STATISTICS, float(value)) for value in rng.normal(0.4, 0.1, 200)]
    reference = measure_distribution("made val", ["bright", "dark"], rng.random((200, 2)), films, declined=2)
    copy_tiny(folder, distribution=reference.model_dump(mode="json"))
    random_tiny(folder, seed=5, version="1.1.0", title="Second brightness model")
    growths = [finding("glioma", "T101", 0.31), finding("meningioma", "T102", 0.72)]
    brain = {"name": "brain", "title": "Random growths", "intended_use": BRAIN, "findings": growths}
    random_tiny(folder, seed=6, **brain)
    broken = random_tiny(folder, seed=7, **brain, version="2.0.0")
    (broken / "model.onnx").write_bytes((broken / "model.onnx").read_bytes() + b"\0")
    return folder


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with running_orthanc(tmp_path_factory.mktemp("orthanc")) as one:
        yield one


@pytest.fixture(scope="module")
def node(archive: Orthanc, models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    routes = [
        {"name": "chest", "model": "tiny@1.0.0", "shadow": "tiny@1.1.0", "to": ["pacs"]},
        {
            "name": "brain",
            "when": {"modality": ["MR", "CT"], "body_part": ["BRAIN", "HEAD"]},
            "model": "brain@1.0.0",
            "shadow": "brain@2.0.0",
            "to": ["pacs"],
        },
    ]
    sections = {"inference": {"models_dir": str(models_dir), "providers": ["cpu"]}, "routes": routes}
    folder, archives = tmp_path_factory.mktemp("node"), {"pacs": ("ORTHANC", archive.dicom_port)}
    with running_node(folder, archives, **sections, drift={"images_min": 10}) as one:
        yield one


def results(archive: Orthanc, *sent: Dataset) -> list[Dataset]:
    """What the node added to the study of `sent`."""
    stored = archive.objects_of_study(str(sent[0].StudyInstanceUID))
    return [one for one in stored if one.SOPInstanceUID not in {ds.SOPInstanceUID for ds in sent}]


def text_of(report: Dataset) -> str:
    return "\n".join(str(element.value) for element in report.iterall() if element.VR != "SQ")


def reports(objects: list[Dataset]) -> list[Dataset]:
    return [one for one in objects if one.SOPClassUID == SR_CLASS]


def hilum(node: RunningNode, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scp_node.cli", *words, "--config", str(node.config)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def shadows(node: RunningNode) -> dict[str, ShadowRow]:
    ledger = node.ledger()
    with ledger.reading() as tx:
        rows = {row.sop_instance_uid: row for row in tx.shadows.since(now_utc().replace(year=2000))}
    ledger.engine.dispose()
    return rows


@pytest.fixture(scope="module")
def mixed(node: RunningNode, archive: Orthanc) -> tuple[Dataset, Dataset, list[Dataset]]:
    """A study with a radiograph and a slice, and what came of it."""
    film = make_dx(seed=41, StationName="ROOM 1")
    head = make_mr(seed=42, StudyInstanceUID=film.StudyInstanceUID, StudyID=film.StudyID)
    for keyword in ("PatientID", "PatientName", "AccessionNumber"):
        setattr(head, keyword, getattr(film, keyword))
    assert store(node.port, [film, head]) == [0x0000, 0x0000]
    return film, head, until(lambda: results(archive, film, head), "two reports", enough=lambda seen: len(seen) == 4)


def test_each_image_of_a_study_goes_to_its_model_and_each_route_makes_its_report(
    node: RunningNode, mixed: tuple[Dataset, Dataset, list[Dataset]]
) -> None:
    film, head, objects = mixed
    assert {one.StudyInstanceUID for one in objects} == {film.StudyInstanceUID}
    texts = [text_of(one) for one in reports(objects)]
    assert len(texts) == 2
    chest = next(text for text in texts if str(film.SOPInstanceUID) in text)
    brain = next(text for text in texts if str(head.SOPInstanceUID) in text)
    assert "Tiny brightness model" in chest and "Bright" in chest and "Glioma" not in chest
    assert "Random growths" in brain and "Glioma" in brain and "Bright" not in brain
    assert str(head.SOPInstanceUID) not in chest and str(film.SOPInstanceUID) not in brain
    ledger = node.ledger()
    with ledger.reading() as tx:
        found = {uid: tx.instances.analysis(str(uid)) for uid in (film.SOPInstanceUID, head.SOPInstanceUID)}
        models = {uid: tx.instances.get(str(uid)).model for uid in found}
    ledger.engine.dispose()
    assert models == {film.SOPInstanceUID: "tiny@1.0.0", head.SOPInstanceUID: "brain@1.0.0"}
    thresholds = [[one.threshold for one in analysis.findings] for analysis in found.values() if analysis]
    assert thresholds == [[0.5, 0.5], [0.31, 0.72]]


def test_a_ct_study_goes_to_the_model_of_its_route_slice_by_slice(node: RunningNode, archive: Orthanc) -> None:
    soft, wide = make_ct(seed=47), make_ct(seed=47, instance=2, WindowWidth=200)
    assert store(node.port, [soft, wide]) == [0x0000, 0x0000]
    objects = until(
        lambda: results(archive, soft, wide), "a report and two heat maps", enough=lambda seen: len(seen) == 3
    )
    (report,) = reports(objects)
    text = text_of(report)
    assert all(words in text for words in ("Random growths", "Glioma", "Meningioma", "Computed Tomography"))
    assert all(str(ds.SOPInstanceUID) in text for ds in (soft, wide)) and "Bright" not in text
    for heatmap in (one for one in objects if one.SOPClassUID != SR_CLASS):
        assert heatmap.BodyPartExamined == "HEAD" and heatmap.Modality == "OT"
    ledger = node.ledger()
    with ledger.reading() as tx:
        found = [tx.instances.analysis(str(ds.SOPInstanceUID)) for ds in (soft, wide)]
    ledger.engine.dispose()
    scores = [analysis.findings[0].probability for analysis in found if analysis]
    assert len(scores) == 2 and abs(scores[0] - scores[1]) > 0.01  # seen through its window, in Hounsfield units


@pytest.mark.parametrize("make", [make_mr, make_ct])
def test_a_slice_of_the_chest_is_declined_by_the_chest_model(
    node: RunningNode, archive: Orthanc, make: Callable[..., Dataset]
) -> None:
    ds = make(seed=43 if make is make_mr else 44, BodyPartExamined="CHEST")
    assert store(node.port, [ds]) == [0x0000]
    objects = until(
        lambda: results(archive, ds), "a report that says why, and a card", enough=lambda seen: len(seen) == 2
    )
    (report,) = reports(objects)
    assert "wrong-modality" in text_of(report)
    (card,) = (one for one in objects if one.SOPClassUID != SR_CLASS)
    assert "NOT ANALYSED" in card.SeriesDescription and "Modality" in card.DerivationDescription


def test_a_second_model_scores_what_the_first_one_scored_and_nothing_of_it_leaves_the_node(
    node: RunningNode, mixed: tuple[Dataset, Dataset, list[Dataset]]
) -> None:
    film, head, objects = mixed
    wanted = {str(film.SOPInstanceUID), str(head.SOPInstanceUID)}
    rows = until(lambda: shadows(node), "second scores", enough=lambda seen: wanted <= seen.keys())
    scored = rows[str(film.SOPInstanceUID)]
    assert (scored.outcome, scored.shadow, scored.model) == ("scored", "tiny@1.1.0", "tiny@1.0.0")
    assert [one.finding for one in scored.scores] == ["bright", "dark"]
    assert all(one.first != one.second for one in scored.scores)
    failed = rows[str(head.SOPInstanceUID)]
    assert (failed.outcome, failed.scores) == ("failed", ()) and "model-unusable" in failed.detail
    assert not any("Second brightness model" in text_of(one) or "1.1.0" in text_of(one) for one in objects)


def test_agreement_is_told_as_text_json_and_page(
    node: RunningNode, mixed: tuple[Dataset, Dataset, list[Dataset]], tmp_path: Path
) -> None:
    film = str(mixed[0].SOPInstanceUID)
    until(lambda: shadows(node), "second scores", enough=lambda seen: film in seen)
    told = hilum(node, "models", "agreement", "--since", "1d", "--json", "--html", str(tmp_path / "page.html"))
    assert told.returncode == 0, told.stderr
    document = json.loads(told.stdout)
    pairs = {(one["first"], one["second"], one["finding"]): one for one in document["agreements"]}
    assert set(pairs) == {("tiny@1.0.0", "tiny@1.1.0", name) for name in ("bright", "dark")}
    assert film in {image["sop_instance_uid"] for image in pairs["tiny@1.0.0", "tiny@1.1.0", "bright"]["differing"]}
    assert film in (tmp_path / "page.html").read_text(encoding="utf-8")
    text = hilum(node, "models", "agreement").stdout
    assert "kappa" in text and "model-unusable" in text
    assert hilum(node, "models", "agreement", "--since", "soon").returncode == 2
    nowhere = hilum(node, "models", "agreement", "--html", str(tmp_path / "missing" / "page.html"))
    assert nowhere.returncode == 1 and "Traceback" not in nowhere.stderr
    assert nowhere.stderr.endswith("page.html: No such file or directory\n")


def test_neither_a_broken_second_model_nor_its_death_is_anything_to_the_node(
    node: RunningNode, archive: Orthanc
) -> None:
    def is_ready() -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{node.web_port}/readyz", timeout=30) as answer:
            return bool(json.load(answer)["ready"])

    assert is_ready() and "second model cannot be used" in node.log()
    rehearsed = [node.log().index(f"results rehearsed model={label}") for label in ("tiny@1.0.0", "brain@1.0.0")]
    assert max(rehearsed) < node.log().index("worker ready")
    os.kill(node.processes()["shadow"], signal.SIGKILL)
    assert is_ready()
    film = make_dx(seed=50)
    assert store(node.port, [film]) == [0x0000]
    until(lambda: results(archive, film), "report and heat map", enough=lambda seen: len(seen) == 2)
    rows = until(lambda: shadows(node), "the second score, later", enough=lambda seen: str(film.SOPInstanceUID) in seen)
    assert rows[str(film.SOPInstanceUID)].outcome == "scored"


def test_what_the_models_do_is_listed(node: RunningNode, mixed: object) -> None:
    lines = hilum(node, "models", "list").stdout.splitlines()
    behind_pins = zip(lines, lines[2:], strict=False)  # name, pin, use
    blocks = {name.split()[0]: use for name, use in behind_pins if not name.startswith(" ")}
    assert "routes: chest" in blocks["tiny@1.0.0"] and "on cpu" in blocks["tiny@1.0.0"]
    assert "shadow of routes: chest" in blocks["tiny@1.1.0"]
    assert "routes: brain" in blocks["brain@1.0.0"] and "no-reference" in blocks["brain@1.0.0"]
    shown = hilum(node, "models", "show", "tiny@1.0.0").stdout
    assert "in this node routes: chest" in shown and "compared with 200 films of made val" in shown


def test_drift_of_a_sender_is_counted_compared_and_exported(
    node: RunningNode, archive: Orthanc, mixed: tuple[Dataset, Dataset, list[Dataset]]
) -> None:
    films = [make_dx(seed=60 + number, StationName="ROOM 1", WindowCenter=3900) for number in range(12)]
    assert store(node.port, films) == [0x0000] * 12
    until(lambda: [results(archive, film) for film in films], "twelve reports", enough=lambda seen: all(map(len, seen)))
    told = hilum(node, "models", "drift", "--json")
    assert told.returncode == 0, told.stderr
    senders = {(one["model"], one["station"]): one for one in json.loads(told.stdout)["senders"]}
    room = senders["tiny@1.0.0", "ROOM 1"]
    assert room["images"] == 13 and room["ae_title"] == "MODALITY" and room["state"] in ("watch", "alarm")
    assert senders["brain@1.0.0", "-"]["state"] == "no-reference"
    assert "ROOM 1" in hilum(node, "models", "drift").stdout

    def metrics() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{node.web_port}/metrics", timeout=30) as answer:
            return str(answer.read().decode())

    label = 'ae_title="MODALITY",model="tiny@1.0.0",station="ROOM 1"'
    text = until(metrics, "the metric of drift", enough=lambda seen: f"hilum_drift_images{{{label}}} 13.0" in seen)
    assert f"hilum_drift_psi{{{label}}}" in text and "Phantom" not in text
    assert 'hilum_model_ready{model="brain@1.0.0",provider="cpu"} 1.0' in text


def test_results_are_made_again_to_the_byte(node: RunningNode, mixed: tuple[Dataset, Dataset, list[Dataset]]) -> None:
    for one in mixed[2]:
        again = hilum(node, "reproduce", str(one.SOPInstanceUID))
        assert again.returncode == 0, again.stdout + again.stderr
        assert "every one as before" in again.stdout and "probability of" in again.stdout


def test_a_result_over_an_earlier_version_of_an_image_is_made_again_from_that_version(
    node: RunningNode, archive: Orthanc
) -> None:
    film = make_dx(seed=91)
    assert store(node.port, [film]) == [0x0000]
    first = until(lambda: results(archive, film), "report and heat map", enough=lambda seen: len(seen) == 2)
    film.PatientName = "Corrected^Name"
    assert store(node.port, [film]) == [0x0000]
    both = until(lambda: results(archive, film), "another report and heat map", enough=lambda seen: len(seen) == 4)
    old = {str(one.SOPInstanceUID) for one in first}
    for one in both:
        again = hilum(node, "reproduce", str(one.SOPInstanceUID))
        is_new = str(one.SOPInstanceUID) not in old
        assert ("version 2" in again.stdout) == is_new, again.stdout
        assert ": differs" not in again.stdout and again.returncode != 1, again.stdout + again.stderr


def test_a_result_that_cannot_be_made_again_or_comes_out_otherwise_is_told(
    node: RunningNode, archive: Orthanc, models_dir: Path
) -> None:
    film = make_dx(seed=90)
    assert store(node.port, [film]) == [0x0000]
    objects = until(lambda: results(archive, film), "report and heat map", enough=lambda seen: len(seen) == 2)
    uid = str(reports(objects)[0].SOPInstanceUID)
    ledger = node.ledger()
    with ledger.transaction() as tx:
        mine = t.finding.c.sop_instance_uid == str(film.SOPInstanceUID)
        tx.connection.execute(sa.update(t.finding).where(mine, t.finding.c.name == "bright").values(probability=0.123))
        name = tx.instances.get(str(film.SOPInstanceUID)).spool_name
    ledger.engine.dispose()
    path = node.data_dir / "spool" / name[:2] / f"{name}.dcm"
    altered = hilum(node, "reproduce", uid)
    assert altered.returncode == 1 and "probability of bright: 0.123000 then" in altered.stdout, altered.stdout
    received = path.read_bytes()
    path.write_bytes(received[:-2] + bytes([received[-2] ^ 1, received[-1]]))
    assert "not the one that was received" in hilum(node, "reproduce", uid).stdout
    path.unlink()
    gone = hilum(node, "reproduce", uid)
    assert gone.returncode == 2 and "not in the spool any more" in gone.stdout
    (models_dir / "tiny" / "1.0.0").rename(models_dir / "elsewhere")
    try:
        missing = hilum(node, "reproduce", uid)
    finally:
        (models_dir / "elsewhere").rename(models_dir / "tiny" / "1.0.0")
    assert missing.returncode == 2 and "model tiny@1.0.0: cannot be run" in missing.stdout
    unknown = hilum(node, "reproduce", "1.2.3.4")
    assert unknown.returncode == 4 and "no result 1.2.3.4" in unknown.stderr


@pytest.mark.parametrize(
    ("key", "model", "words"),
    [
        ("model", "tinny", ("routes[0].model", "route 'chest'", "tinny", "tiny@1.0.0")),
        ("shadow", "tiny@9.0.0", ("routes[0].shadow", "tiny@9.0.0", "tiny@1.1.0")),
        ("shadow", "brain@2.0.0", ("routes[0].shadow", "what 'brain' stands for")),
    ],
)
def test_a_model_that_is_not_there_is_told_by_the_key_that_names_it(
    models_dir: Path, tmp_path: Path, key: str, model: str, words: tuple[str, ...]
) -> None:
    first = "brain" if model.startswith("brain") else "tiny@1.0.0"
    route = {"name": "chest", "model": first, "to": ["pacs"]} | {key: model}
    node = RunningNode(tmp_path, {"pacs": ("PACS", 104)}, inference={"models_dir": str(models_dir)}, routes=[route])
    ended = hilum(node, "serve")
    assert ended.returncode == 2 and all(word in ended.stderr for word in words), ended.stderr


def test_a_second_model_is_started_by_the_reload_that_names_it(models_dir: Path, tmp_path: Path) -> None:
    route = {"name": "chest", "model": "tiny@1.0.0", "to": ["pacs"]}
    sections: dict[str, Any] = {"inference": {"models_dir": str(models_dir), "providers": ["cpu"]}, "routes": [route]}
    with running_node(tmp_path, {"pacs": ("PACS", 104)}, **sections) as node:
        assert node.process is not None and "shadow" not in node.processes()
        node.document["routes"][0]["shadow"] = "tiny@1.1.0"
        node.write_config()
        node.process.send_signal(signal.SIGHUP)
        until(node.log, "the process of second models", enough=lambda text: "shadow ready" in text)
        film = make_dx(seed=70)
        assert store(node.port, [film]) == [0x0000]
        rows = until(lambda: shadows(node), "a second score", enough=lambda seen: str(film.SOPInstanceUID) in seen)
        assert rows[str(film.SOPInstanceUID)].outcome == "scored"
