"""Uploads in the child process: judged as every other image, from memory alone, with models that are kept warm."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from converter.errors import Unreadable
from scp_node.analysis.policies import node_policy
from scp_node.analysis.predictor import Predictor
from scp_node.errors import ModelMissing, ModelUnusable, OutOfResources, PictureFailed
from scp_node.host.nameless_file import NamelessFile, path_of
from scp_node.settings import Inference, Settings
from scp_node.web.console.study_acts import REPRODUCE_TIMEOUT_S
from scp_node.web.pictures.desk import LANES, WAITING_MAX, PictureDesk
from scp_node.web.pictures.loaded_for_uploads import MODELS_MAX, LastModels
from scp_node.web.pictures.tasks import Made
from scp_node.web.pictures.uploads import predict
from scp_node.web.pictures.workshop import Workshop
from tests.support.models.tiny_model import copy_tiny, random_tiny
from tests.support.node.node import children_of
from tests.support.web.contexts import DOCUMENT
from tests.support.web.pictures import encoded, hostile_files

KINDS = ("PNG", "JPEG", "DICOM")


def settings_of(folder: Path, gate: str = "note") -> Settings:
    inference = {"gate": gate, "decode_timeout_s": 30}
    node = {"ae_title": "HILUM", "data_dir": str(folder)}
    return Settings.model_validate({**DOCUMENT, "node": node, "inference": inference})


def predicted(workshop: Workshop, arguments: dict[str, Any], film: bytes) -> Made:
    """The task, as the child does it."""
    with NamelessFile() as file:
        file.write(film)
        return predict(workshop, arguments | {"descriptor": file.descriptor}, [])


def asked(desk: PictureDesk, arguments: dict[str, Any], film: bytes) -> Made:
    """The task, done by a child."""
    with NamelessFile() as file:
        file.write(film)
        return desk.ask("uploads", "predict", arguments, descriptor=file.descriptor)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with closing(Workshop(settings_of(tmp_path_factory.mktemp("node")))) as one:
        yield one


@pytest.mark.parametrize("kind", KINDS)
def test_an_upload_is_judged_as_the_same_file_on_a_disk(workshop: Workshop, tmp_path: Path, kind: str) -> None:
    (tmp_path / "film").write_bytes(encoded(kind))
    model = workshop.models.get("pneumonia")
    on_disk = Predictor(model, workshop.decoding, node_policy(workshop.settings)).predict(tmp_path / "film")
    answer, maps = predicted(workshop, {"model": "pneumonia", "heatmap": True}, encoded(kind))
    (finding,), (judged,) = answer["findings"], on_disk.findings
    assert (finding["probability"], finding["positive"]) == (judged.probability, judged.positive)
    assert answer["result"] in ("Normal", "Potentially Pneumonia")
    sure = judged.probability if judged.positive else 1 - judged.probability
    assert answer["prediction"] == f"{100 * sure:.4f}"
    assert float(finding["percent"]) + float(finding["percent_normal"]) == pytest.approx(100)
    assert [one[:8] for one in maps] == [b"\x89PNG\r\n\x1a\n"]
    assert (answer["model"], answer["declined"], tuple(answer["notes"])) == ("pneumonia@2.0.0", None, on_disk.notes)


def test_no_map_is_drawn_where_none_is_wanted_or_nothing_was_judged(workshop: Workshop) -> None:
    assert predicted(workshop, {"model": "pneumonia", "heatmap": False}, encoded("PNG"))[1] == []
    lateral = hostile_files()["DICOM of a lateral view"]
    answer, maps = predicted(workshop, {"model": "pneumonia", "heatmap": True}, lateral)
    assert (answer["declined"]["code"], answer["result"], answer["prediction"], maps) == ("not-frontal", None, None, [])


@pytest.mark.parametrize("what", hostile_files())
def test_a_hostile_file_is_a_coded_refusal_and_the_next_upload_is_judged(workshop: Workshop, what: str) -> None:
    arguments = {"model": "pneumonia", "heatmap": True}
    try:
        answer, _ = predicted(workshop, arguments, hostile_files()[what])
    except Unreadable as error:
        assert error.code == "unreadable"
    else:
        assert answer["declined"]["code"]
    assert predicted(workshop, arguments, encoded("PNG"))[0]["result"]


def test_nothing_stays_open_after_an_upload(workshop: Workshop) -> None:
    predicted(workshop, {"model": "pneumonia", "heatmap": True}, encoded("DICOM"))
    before = len(list(Path("/proc/self/fd").iterdir()))
    for kind in KINDS:
        predicted(workshop, {"model": "pneumonia", "heatmap": True}, encoded(kind))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_nameless_file_can_be_opened_again_and_is_gone_afterwards() -> None:
    with NamelessFile() as file:
        file.write(b"film")
        path = path_of(file.descriptor)
        assert path.read_bytes() == path.read_bytes() == b"film"
        assert str(path.readlink()).startswith("/memfd:")
    assert not path.exists()


def test_a_model_that_is_not_there_is_refused_by_its_name(workshop: Workshop) -> None:
    for name in ("nobody", "pneumonia@9.9.9", "../../etc", ""):
        with pytest.raises(ModelMissing):
            predicted(workshop, {"model": name, "heatmap": False}, encoded("PNG"))


def test_a_package_that_was_altered_is_unusable_and_others_are_not(tmp_path: Path) -> None:
    copy_tiny(tmp_path)
    altered = copy_tiny(tmp_path, name="altered")
    (altered / "model.onnx").write_bytes((altered / "model.onnx").read_bytes() + b"x")
    with closing(LastModels([tmp_path], Inference())) as models:
        with pytest.raises(ModelUnusable):
            models.get("altered")
        assert models.get("tiny").label == "tiny@1.0.0"


def test_few_models_stay_loaded_and_one_that_was_replaced_is_loaded_anew(tmp_path: Path) -> None:
    names = [f"tiny{number}" for number in range(MODELS_MAX + 1)]
    for number, name in enumerate(names):
        random_tiny(tmp_path, number, name=name)
    with closing(LastModels([tmp_path], Inference())) as models:
        first = models.get(names[0])
        assert models.get(names[0]) is first
        for name in names[1:]:
            models.get(name)
        assert models.get(names[0]) is not first
        last = models.get(names[-1])
        shutil.rmtree(tmp_path / names[-1])
        random_tiny(tmp_path, 99, name=names[-1])
        assert models.get(names[-1]).manifest.onnx_sha256 != last.manifest.onnx_sha256


def test_a_child_that_dies_or_hangs_is_told_by_a_code_and_the_next_upload_works(tmp_path: Path) -> None:
    with closing(PictureDesk(lambda: settings_of(tmp_path), "tests.support.hostile.picture_child")) as desk:
        for task, code in (("dies", "crashed"), ("hangs", "timeout")):
            desk.ask("uploads", "ready", {})
            with pytest.raises(PictureFailed) as failed:
                desk.ask("uploads", task, {}, [b""], timeout_s=5)
            assert failed.value.reason_code == code
            answer, _ = asked(desk, {"model": "pneumonia", "heatmap": False}, encoded("PNG"))
            assert answer["result"]


def test_a_desk_that_is_closed_takes_no_upload(tmp_path: Path) -> None:
    desk = PictureDesk(lambda: settings_of(tmp_path))
    desk.close()
    with pytest.raises(OutOfResources):
        asked(desk, {"model": "pneumonia", "heatmap": False}, encoded("PNG"))


def test_a_child_that_cannot_be_started_is_told_by_a_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    for module in ("tests.support.hostile.no_such_child", "scp_node.web.pictures.child"):
        with closing(PictureDesk(lambda: settings_of(tmp_path), module)) as desk:
            with pytest.raises(PictureFailed) as failed:
                desk.ask("uploads", "ready", {})
            assert failed.value.reason_code == "crashed"
        monkeypatch.setattr(subprocess, "Popen", fails)


def child_processes() -> list[int]:
    commands = {pid: (Path("/proc") / str(pid) / "cmdline").read_bytes() for pid in children_of(os.getpid())}
    return [pid for pid, command in commands.items() if b"scp_node.web.pictures.child" in command]


def test_a_child_works_with_the_settings_that_are_in_use(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    in_use = [settings_of(tmp_path)]
    with closing(PictureDesk(lambda: in_use[0])) as desk:
        desk.ask("uploads", "ready", {})
        first = child_processes()
        in_use[0] = settings_of(tmp_path)  # read again, and the same
        desk.ask("uploads", "ready", {})
        assert child_processes() == first
        in_use[0] = settings_of(tmp_path / "other")
        desk.ask("uploads", "ready", {})
        assert len(child_processes()) == 1 and child_processes() != first


def test_an_analysis_that_is_run_again_waits_for_its_turn_longer_than_a_film() -> None:
    assert LANES["checks"] >= WAITING_MAX * REPRODUCE_TIMEOUT_S > LANES["films"]
