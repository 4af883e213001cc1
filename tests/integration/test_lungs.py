"""A node with a package that outlines lungs, an archive beside it: the report says where, validators accept it, and
half a film is declined and told as such."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset

from scp_node.cli.explain import explanation
from tests.support.dicom.lung_films import LOWER_RIGHT, UPPER_LEFT, lung_film
from tests.support.dicom.phantoms import write_dx
from tests.support.models.tiny_model import TINY_LUNGS, copy_tiny
from tests.support.node.node import RunningNode, running_node
from tests.support.peers.modality import store
from tests.support.peers.orthanc import Orthanc, running_orthanc
from tests.support.peers.validators import dciodvfy
from tests.support.results.report_content import children, has_concept, walk
from tests.support.waiting import until

SR = "1.2.840.10008.5.1.4.1.1.88.34"
GROUP, SITE, LATERALITY, COMMENT, SUMMARY = "125007", "363698007", "272741003", "121106", "111065"
PROBABILITY = "122157"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with running_orthanc(tmp_path_factory.mktemp("orthanc")) as one:
        yield one


@pytest.fixture(scope="module")
def node(archive: Orthanc, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    folder = tmp_path_factory.mktemp("node")
    copy_tiny(folder / "models", TINY_LUNGS)
    sections: dict[str, Any] = {
        "routes": [{"name": "chest", "model": "tiny-lungs", "to": ["pacs"]}],
        "inference": {"gate": "refuse", "models_dir": str(folder / "models")},
    }
    with running_node(folder, {"pacs": ("ORTHANC", archive.dicom_port)}, **sections) as one:
        yield one


def report_on(archive: Orthanc, films: list[Dataset]) -> Dataset:
    def reports() -> list[Dataset]:
        stored = archive.objects_of_study(str(films[0].StudyInstanceUID))
        return [one for one in stored if one.SOPClassUID == SR]

    return until(reports, "the report", timeout_s=120.0, pause_s=0.2)[-1]


def told(node: RunningNode, film: Dataset) -> str:
    ledger = node.ledger()
    try:
        return "\n".join(explanation(ledger, str(film.StudyInstanceUID)))
    finally:
        ledger.engine.dispose()


@pytest.mark.peer("Orthanc")
@pytest.mark.peer("dciodvfy")
def test_the_report_says_where_and_half_a_film_is_declined(node: RunningNode, archive: Orthanc, tmp_path: Path) -> None:
    films = [
        lung_film(LOWER_RIGHT, seed=21, instance=1),
        lung_film(UPPER_LEFT, seed=21, instance=2),
        lung_film(LOWER_RIGHT, last=0.5, seed=21, instance=3),
    ]
    assert store(node.port, films) == [0x0000] * 3
    report = report_on(archive, films)
    path = tmp_path / "report.dcm"
    report.save_as(path)
    assert dciodvfy(path) == []
    places = {}
    for group in (item for item in walk(report) if has_concept(item, GROUP)):
        for site in children(group, SITE):
            side = children(site, LATERALITY)[0].ConceptCodeSequence[0].CodeValue
            region = children(group, PROBABILITY)[0].ContentSequence[0]
            image = region.ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID
            verdict, words = (comment.TextValue for comment in children(group, COMMENT))
            assert verdict.startswith("Bright PRESENT ")
            places[str(image)] = (site.ConceptCodeSequence[0].CodeValue, side, words)
    assert places == {
        str(films[0].SOPInstanceUID): ("39607008", "24028007", "right lung, lower zone"),
        str(films[1].SOPInstanceUID): ("39607008", "7771000", "left lung, upper zone"),
    }
    (refused,) = [item for item in walk(report) if has_concept(item, SUMMARY)]
    assert "Not analysed [lungs-not-whole]: one lung is outlined" in children(refused, COMMENT)[0].TextValue
    story = told(node, films[0])
    assert "right lung, lower zone" in story and "declined; " not in story and "lungs-not-whole" in story


def test_a_command_says_where_too(tmp_path: Path) -> None:
    copy_tiny(tmp_path / "models", TINY_LUNGS)
    film = write_dx(tmp_path / "film.dcm", lung_film(LOWER_RIGHT))
    half = write_dx(tmp_path / "half.dcm", lung_film(LOWER_RIGHT, first=0.25))
    command = [sys.executable, "-m", "scp_node.cli", "predict", "--models-dir", str(tmp_path / "models"), "--json"]
    done = subprocess.run(
        [*command, film, half], capture_output=True, text=True, timeout=120, env=os.environ, check=False
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert [found["place"] for found in lines[0]["findings"]] == ["right lung, lower zone", ""]
    assert lines[1]["declined"]["code"] == "lungs-not-whole" and lines[1]["findings"] == []
