"""The record of a prediction is the contract of `hilum predict --json`, and its heat maps are pictures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from converter.analysis.judge import judged
from converter.analysis.scores import ImageScores
from converter.declined import Declined
from converter.image.convert import convert
from converter.package.manifest import load_manifest
from converter.result.place import Place
from scp_node.analysis.predictor import Prediction
from scp_node.queries.prediction import heatmap_pngs, predicted_file
from scp_node.queries.verdict import in_percent
from tests.support.dicom.phantoms import make_dx, write_dx
from tests.support.models.tiny_model import TINY
from tests.support.results.reports import placed

MANIFEST = load_manifest(TINY / "manifest.yaml")


@pytest.fixture
def prediction(tmp_path: Path) -> Prediction:
    path = write_dx(tmp_path / "film.dcm", make_dx())
    converted = convert(path, MANIFEST.input, MANIFEST.intended_use, 256, 100_000_000)
    assert not isinstance(converted, Declined)
    cam = np.ones((2, 8, 8), np.float32)
    findings = judged(MANIFEST, ImageScores(np.array([0.75, 0.25], np.float32), cam), converted)
    return Prediction("1.2.3", None, findings, converted, cam, ("the view is unknown",))


def test_a_finding_says_where_in_the_lungs_it_is(prediction: Prediction) -> None:
    found = tuple(placed(one, Place(left=("upper",))) for one in prediction.findings[:1])
    told = predicted_file(MANIFEST, "film.dcm", replace(prediction, findings=found))
    assert told.findings[0].place == in_percent(found[0]).place == "left lung, upper zone"
    assert in_percent(prediction.findings[0]).place == ""


def test_a_prediction_has_the_fields_of_the_contract_in_their_order(prediction: Prediction) -> None:
    text = json.dumps(predicted_file(MANIFEST, "film.dcm", prediction).document(), allow_nan=False)
    assert json.loads(text) == {
        "file": "film.dcm",
        "sop_instance_uid": "1.2.3",
        "model": "tiny",
        "version": "1.0.0",
        "declined": None,
        "findings": [
            {
                "name": spec.name,
                "code": spec.concept.value,
                "scheme": spec.concept.scheme,
                "probability": probability,
                "threshold": 0.5,
                "positive": probability > 0.5,
                "place": "",
            }
            for spec, probability in zip(MANIFEST.findings, (0.75, 0.25), strict=True)
        ],
        "notes": ["the view is unknown"],
    }
    assert text.startswith('{"file": "film.dcm", "sop_instance_uid": "1.2.3", "model": "tiny", "version": "1.0.0"')


def test_a_declined_image_has_code_and_reason_and_no_findings() -> None:
    declined = Prediction(None, Declined("not-frontal", "View Position is LL"))
    document = predicted_file(MANIFEST, "film.png", declined).document()
    assert document["declined"] == {"code": "not-frontal", "reason": "View Position is LL"}
    assert document["sop_instance_uid"] is None and document["findings"] == ()
    assert list(heatmap_pngs(MANIFEST, declined, 1024)) == []


def test_each_finding_has_its_heat_map(prediction: Prediction) -> None:
    maps = dict(heatmap_pngs(MANIFEST, prediction, 1024))
    assert list(maps) == ["bright", "dark"]
    for png in maps.values():
        picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None and max(picture.shape) <= 1024
    assert maps["bright"] != maps["dark"]
