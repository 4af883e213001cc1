"""The input gate refuses what it takes for something else, says for what, and a site may soften that to a note."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import yaml
from pydantic import ValidationError

from converter.analysis.analyse import ANALYSIS
from converter.analysis.outcome import Examined
from converter.analysis.policy import GateMode
from converter.declined import Declined
from converter.image.convert import Converted
from converter.package.gate import Gate, GateFigure, as_note, refusal
from converter.package.manifest import load_manifest
from scp_node.decode.pool import DecodePool
from scp_node.inference.loaded_models import LoadedModel, LoadedModels
from scp_node.ledger import InstanceRow
from scp_node.settings import Inference, Settings
from scp_node.storage.previews import PreviewStore
from scp_node.storage.spool import Spool
from scp_node.telemetry import metrics
from scp_node.workflow.image_job import ImageCase, examine
from scp_node.workflow.services import Services
from scp_node.workflow.step_log import StepLog
from tests.support.checkout import GOLDEN
from tests.support.models.tiny_model import GATE, SIDE, TINY, TINY_GATED, tiny_gate

GATE_SPEC = Gate.model_validate(GATE)
BRIGHT, DARK, DARKEST = (np.full((1, SIDE, SIDE), value, np.float32) for value in (0.5, -1.0, -4.0))


def shares(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_an_image_is_refused_below_the_threshold_and_not_at_it() -> None:
    assert refusal(GATE_SPEC, shares(0.5, 0.5, 0.0)) is None
    assert refusal(GATE_SPEC, shares(0.499, 0.501, 0.0)) is not None


def test_the_reason_is_that_of_the_likeliest_other_kind() -> None:
    refused = refusal(GATE_SPEC, shares(0.1, 0.3, 0.6))
    assert refused == Declined(
        "gate-noise", "the picture looks like noise (input gate: frontal-chest 0.100, below 0.5)"
    )
    assert refusal(GATE_SPEC, shares(0.4, 0.35, 0.25)) == Declined(
        "gate-picture", "the picture looks like a photograph (input gate: frontal-chest 0.400, below 0.5)"
    )


def test_a_share_just_below_the_threshold_is_not_told_as_the_threshold() -> None:
    refused = refusal(GATE_SPEC, shares(0.4997, 0.5003, 0.0))
    assert refused is not None and "frontal-chest 0.499, below 0.5" in refused.reason


def kinds(*changes: dict[str, str]) -> dict[str, Any]:
    return {**GATE, "kinds": [{**kind, **change} for kind, change in zip(GATE["kinds"], changes, strict=True)]}


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        (kinds({"code": "gate-noise"}, {}, {}), "neither code nor reason"),
        (kinds({}, {"code": ""}, {}), "picture needs a reason, and a code"),
        (kinds({}, {"code": "not-frontal"}, {}), "picture needs a reason, and a code"),
        (kinds({}, {"reason": ""}, {}), "picture needs a reason"),
        (kinds({}, {"name": "noise"}, {}), "two kinds have the same name"),
        ({**GATE, "kinds": GATE["kinds"][:1]}, "at least 2"),
        ({**GATE, "threshold": 0.0}, "greater than 0"),
        ({**GATE, "sources": [{"name": "x", "kind": "hand", "images": 1, "licence": "y"}]}, "no such kind: hand"),
    ],
)
def test_a_gate_that_could_not_say_why_is_no_gate(gate: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Gate.model_validate(gate)


def test_no_more_images_are_refused_than_there_are() -> None:
    with pytest.raises(ValidationError, match="more refused than there are"):
        GateFigure(source="x", kind="noise", images=3, refused=4, low=0, high=1)


def test_a_manifest_without_a_gate_is_read_as_before() -> None:
    assert load_manifest(TINY / "manifest.yaml").gate is None
    gated = load_manifest(TINY_GATED / "manifest.yaml")
    assert gated.gate == GATE_SPEC


# In the node


@pytest.fixture
def shelf() -> Iterator[LoadedModels]:
    shelf = LoadedModels(GOLDEN, Inference(providers=["cpu"]))
    yield shelf
    shelf.close()


class Gray:
    """Decodes every file to the same gray values."""

    failures: tuple[type[Exception], ...] = ()

    def __init__(self, gray: np.ndarray) -> None:
        self.gray = gray

    def convert(self, *_: Any) -> Converted:
        preview, affine = np.zeros((SIDE, SIDE), np.uint8), np.array([[1.0, 0, 0], [0, 1.0, 0]])
        return Converted(self.gray, preview, affine, (SIDE, SIDE), ())


def through_the_gate(model: LoadedModel, gray: np.ndarray, mode: GateMode) -> tuple[Examined, StepLog]:
    """What an image job examines, and what its log says of the steps."""
    unused: Any = None
    settings = Settings.model_validate(
        {
            "node": {"ae_title": "HILUM"},
            "remote_aes": {"pacs": {"ae_title": "PACS", "host": "127.0.0.1", "port": 104, "may_send": True}},
            "routes": [{"name": "chest", "model": model.manifest.name, "to": ["pacs"]}],
            "inference": {"gate": mode},
        }
    )
    with TemporaryDirectory() as folder:
        services = Services(
            lambda: settings,
            unused,
            unused,
            Spool(Path(folder)),
            PreviewStore(Path(folder)),
            unused,
            cast(DecodePool, Gray(gray)),
            unused,
        )
        log = StepLog("1.2", "1.2.3")
        case = ImageCase(cast(InstanceRow, SimpleNamespace(spool_name="ab" * 32, removed_at=None)), log, model=model)
        return examine(case, services), log


def gate_line(log: StepLog) -> str:
    return next(entry.outcome for entry in log.entries if entry.name == "pass_gate")


def test_the_gate_is_asked_after_inference_and_before_the_findings_are_judged() -> None:
    names = [step.__name__ for step in ANALYSIS]
    assert names.index("infer") + 1 == names.index("pass_gate") < names.index("judge")


def test_the_graph_says_what_the_gate_was_made_to_say(shelf: LoadedModels) -> None:
    model = shelf.get("tiny-gated")
    for gray in (BRIGHT, DARK, DARKEST):
        gate = model.score(gray).gate
        assert gate is not None
        np.testing.assert_allclose(gate, tiny_gate(gray)[0], atol=1e-6)


@pytest.mark.parametrize(("gray", "code"), [(BRIGHT, None), (DARK, "gate-picture"), (DARKEST, "gate-noise")])
def test_a_node_refuses_what_the_gate_refuses(shelf: LoadedModels, gray: np.ndarray, code: str | None) -> None:
    examined, _ = through_the_gate(shelf.get("tiny-gated"), gray, "refuse")
    assert (examined.declined.code if examined.declined else None) == code
    assert examined.notes == ()
    assert examined.converted is not None, "a sender whose images the gate refuses still has its statistics counted"


def test_a_site_may_only_be_told(shelf: LoadedModels) -> None:
    counted = metrics.gate_refusals.labels("gate-noise", "note")._value.get()
    examined, log = through_the_gate(shelf.get("tiny-gated"), DARKEST, "note")
    assert examined.analysed is not None and examined.gate is not None
    assert examined.notes == (as_note(examined.gate),) and "gate-noise" in examined.notes[0]
    assert "gate-noise" in gate_line(log)
    assert metrics.gate_refusals.labels("gate-noise", "note")._value.get() == counted + 1


def test_a_site_may_switch_the_gate_off(shelf: LoadedModels) -> None:
    examined, _ = through_the_gate(shelf.get("tiny-gated"), DARKEST, "off")
    assert examined.analysed is not None and examined.notes == ()


def test_refusing_is_the_default() -> None:
    assert Inference().gate == "refuse"


def test_a_model_without_a_gate_refuses_nothing(shelf: LoadedModels) -> None:
    examined, log = through_the_gate(shelf.get("tiny"), DARKEST, "refuse")
    assert examined.analysed is not None and examined.notes == () and gate_line(log) == ""


def test_the_gate_of_the_golden_package_is_written_as_the_generator_has_it() -> None:
    written = yaml.safe_load((Path(TINY_GATED) / "manifest.yaml").read_text(encoding="utf-8"))
    assert written["gate"] == GATE
