"""The main job against a real archive: a radiograph in, a Structured Report and a heat map in the same study."""

from __future__ import annotations

import functools
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom import Dataset
from pydicom.uid import ComputedRadiographyImageStorage, JPEG2000Lossless, SecondaryCaptureImageStorage

from scp_node.cli.explain import explanation
from tests.support import waiting
from tests.support.dicom.phantoms import make_dx
from tests.support.node.node import RunningNode, running_node
from tests.support.peers.dcmtk import running_storescp
from tests.support.peers.modality import store
from tests.support.peers.orthanc import Orthanc, running_orthanc

pytestmark = pytest.mark.peer("Orthanc")
until = functools.partial(waiting.until, timeout_s=90.0, pause_s=0.1)
SR_CLASSES = ("1.2.840.10008.5.1.4.1.1.88.34", "1.2.840.10008.5.1.4.1.1.88.33")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with running_orthanc(tmp_path_factory.mktemp("orthanc")) as one:
        yield one


@pytest.fixture(scope="module")
def node(archive: Orthanc, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    with running_node(tmp_path_factory.mktemp("node"), {"pacs": ("ORTHANC", archive.dicom_port)}) as one:
        yield one


def results(archive: Orthanc, ds: Dataset) -> list[Dataset]:
    """The objects that the node sent into the study of `ds`, as the archive stored them."""
    stored = archive.objects_of_study(str(ds.StudyInstanceUID))
    return sorted(
        (one for one in stored if one.SOPInstanceUID != ds.SOPInstanceUID), key=lambda one: str(one.SOPClassUID)
    )


def reports(objects: list[Dataset]) -> list[Dataset]:
    return [one for one in objects if one.SOPClassUID in SR_CLASSES]


def text_of(report: Dataset) -> str:
    """Every value of a report, those of nested items too."""
    return "\n".join(str(element.value) for element in report.iterall() if element.VR != "SQ")


def explain(node: RunningNode, ds: Dataset) -> str:
    ledger = node.ledger()
    try:
        return "\n".join(explanation(ledger, str(ds.StudyInstanceUID)))
    finally:
        ledger.engine.dispose()


def test_a_radiograph_gets_its_report_and_heat_map_in_its_own_study(node: RunningNode, archive: Orthanc) -> None:
    ds = make_dx(seed=1, rows=900, columns=800)
    assert store(node.port, [ds]) == [0x0000]
    objects = until(lambda: results(archive, ds), "report and heat map", enough=lambda seen: len(seen) == 2)
    assert {one.PatientID for one in objects} == {ds.PatientID}
    assert {one.AccessionNumber for one in objects} == {ds.AccessionNumber}
    report, heatmap = reports(objects)[0], next(one for one in objects if one not in reports(objects))
    assert heatmap.SOPClassUID == SecondaryCaptureImageStorage
    assert str(ds.SOPInstanceUID) in text_of(report) and str(heatmap.SOPInstanceUID) in text_of(report)
    story = explain(node, ds)
    assert "reported" in story and "pacs: sent" in story


def test_the_same_object_again_makes_nothing_new(node: RunningNode, archive: Orthanc) -> None:
    ds = make_dx(seed=2)
    assert store(node.port, [ds, ds]) == [0x0000, 0x0000]
    first = until(lambda: results(archive, ds), "report and heat map", enough=lambda seen: len(seen) == 2)
    assert store(node.port, [ds]) == [0x0000]
    time.sleep(2)
    assert {one.SOPInstanceUID for one in results(archive, ds)} == {one.SOPInstanceUID for one in first}


def test_a_corrected_patient_gets_results_of_its_own_that_name_what_they_replace(
    node: RunningNode, archive: Orthanc
) -> None:
    ds = make_dx(seed=3)
    assert store(node.port, [ds]) == [0x0000]
    first = until(lambda: results(archive, ds), "report and heat map", enough=lambda seen: len(seen) == 2)
    ds.PatientName = "Corrected^Name"
    assert store(node.port, [ds]) == [0x0000]
    both = until(lambda: results(archive, ds), "another report and heat map", enough=lambda seen: len(seen) == 4)
    old = {one.SOPInstanceUID for one in first}
    new = [one for one in both if one.SOPInstanceUID not in old]
    assert {str(one.PatientName) for one in new} == {"Corrected^Name"}
    (report,) = reports(new)
    (predecessor,) = report.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence
    assert predecessor.ReferencedSOPInstanceUID == reports(first)[0].SOPInstanceUID
    assert "version 2" in explain(node, ds) and "identity" in explain(node, ds)
    ds.InstitutionName = "Not a word of it in any result"
    assert store(node.port, [ds]) == [0x0000]
    until(lambda: explain(node, ds), "nothing new", enough=lambda told: "nothing is reported anew" in told)
    assert len(results(archive, ds)) == 4


def test_an_image_of_another_patient_is_named_in_the_report_and_not_part_of_it(
    node: RunningNode, archive: Orthanc
) -> None:
    mine, also_mine = make_dx(seed=131, instance=1), make_dx(seed=131, instance=2)
    stray = make_dx(seed=131, instance=3, PatientID="", PatientName="Somebody^Else")
    assert store(node.port, [mine, also_mine, stray]) == [0x0000] * 3
    sent = {str(one.SOPInstanceUID) for one in (mine, also_mine, stray)}
    objects = until(
        lambda: [one for one in results(archive, mine) if one.SOPInstanceUID not in sent],
        "a report and two heat maps",
        enough=lambda seen: len(seen) == 3,
    )
    assert {str(one.PatientName) for one in objects} == {str(mine.PatientName)}
    assert str(stray.SOPInstanceUID) in text_of(reports(objects)[0])
    assert "other-patient" in explain(node, stray)


def test_a_lateral_view_is_reported_as_not_analysed_beside_the_frontal_one(node: RunningNode, archive: Orthanc) -> None:
    frontal = make_dx(seed=4, instance=1)
    lateral = make_dx(seed=4, instance=2, ViewPosition="LL")
    assert store(node.port, [frontal, lateral]) == [0x0000, 0x0000]
    objects = until(
        lambda: [one for one in results(archive, frontal) if one.SOPInstanceUID != lateral.SOPInstanceUID],
        "one report and one heat map",
        enough=lambda seen: len(seen) == 2,
    )
    report = reports(objects)[0]
    assert "not-frontal" in text_of(report) and str(lateral.SOPInstanceUID) in text_of(report)


@pytest.mark.parametrize(
    ("seed", "attributes", "code"),
    [
        (5, {"BodyPartExamined": "HAND"}, "wrong-body-part"),
        (6, {"Modality": "MG"}, "wrong-modality"),
        (7, {}, "no-pixels"),
    ],
)
def test_a_study_without_a_usable_image_gets_a_report_that_says_why(
    node: RunningNode, archive: Orthanc, seed: int, attributes: dict[str, Any], code: str
) -> None:
    ds = make_dx(seed=seed, **attributes)
    if code == "no-pixels":
        del ds.PixelData
    assert store(node.port, [ds]) == [0x0000]
    objects = until(lambda: results(archive, ds), "a report and a card", enough=lambda seen: len(seen) == 2)
    assert {one.SOPClassUID for one in objects} >= {SecondaryCaptureImageStorage}
    assert code in text_of(reports(objects)[0])
    assert code in explain(node, ds)


def test_a_corrupt_codestream_is_quarantined_with_a_reason_and_the_node_goes_on(
    node: RunningNode, archive: Orthanc
) -> None:
    ds = make_dx(seed=8, transfer_syntax=JPEG2000Lossless)
    broken = bytearray(ds.PixelData)
    broken[len(broken) // 4 :] = b"\xff" * (len(broken) - len(broken) // 4)
    ds.PixelData = bytes(broken)
    assert store(node.port, [ds]) == [0x0000]
    objects = until(lambda: results(archive, ds), "a report and a card", enough=lambda seen: len(seen) >= 2)
    assert "quarantined" in explain(node, ds) or "declined" in explain(node, ds)
    assert "undecodable" in text_of(reports(objects)[0])


def test_our_own_results_coming_back_are_never_analysed(node: RunningNode, archive: Orthanc) -> None:
    ds = make_dx(seed=9)
    store(node.port, [ds])
    objects = until(lambda: results(archive, ds), "report and heat map", enough=lambda seen: len(seen) == 2)
    heatmap = next(one for one in objects if one not in reports(objects))
    assert store(node.port, [heatmap]) == [0x0000]
    story = until(lambda: explain(node, ds), "recognising our own result", enough=lambda text: "own-result" in text)
    time.sleep(2)
    assert len(results(archive, ds)) == 2 and "revision 2" not in story


def test_a_later_image_makes_a_new_report_that_names_the_old_one(node: RunningNode, archive: Orthanc) -> None:
    first, second = make_dx(seed=10, instance=1), make_dx(seed=10, instance=2)
    store(node.port, [first])
    before = reports(until(lambda: results(archive, first), "the first report", enough=lambda seen: len(seen) == 2))
    store(node.port, [second])
    objects = until(
        lambda: [one for one in results(archive, first) if one.SOPInstanceUID != second.SOPInstanceUID],
        "a second report and heat map",
        enough=lambda seen: len(seen) == 4,
    )
    newer = next(one for one in reports(objects) if one.SOPInstanceUID != before[0].SOPInstanceUID)
    named = newer.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
    assert named.ReferencedSOPInstanceUID == before[0].SOPInstanceUID
    assert str(first.SOPInstanceUID) in text_of(newer) and str(second.SOPInstanceUID) in text_of(newer)


def test_a_computed_radiograph_sent_as_secondary_capture_is_analysed(node: RunningNode, archive: Orthanc) -> None:
    capture = make_dx(seed=11, sop_class=SecondaryCaptureImageStorage, Modality="CR", ConversionType="WSD")
    plate = make_dx(seed=12, sop_class=ComputedRadiographyImageStorage, Modality="CR", PatientOrientation=None)
    assert store(node.port, [capture, plate]) == [0x0000, 0x0000]
    for ds in (capture, plate):
        until(functools.partial(results, archive, ds), "report and heat map", enough=lambda seen: len(seen) == 2)


def test_what_waits_for_a_dead_archive_is_delivered_when_it_is_back(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with (
        running_orthanc(tmp_path / "orthanc") as archive,
        running_node(tmp_path / "node", {"pacs": ("ORTHANC", archive.dicom_port)}) as node,
    ):
        archive.stop()
        ds = make_dx(seed=20)
        assert store(node.port, [ds]) == [0x0000]
        until(lambda: explain(node, ds), "two failed attempts", enough=lambda text: "pacs: failed after 2" in text)
        archive.start()
        until(lambda: results(archive, ds), "delivery", enough=lambda seen: len(seen) == 2)


def test_an_archive_that_refuses_comprehensive_3d_gets_comprehensive(tmp_path: Path) -> None:
    with (
        running_storescp(tmp_path / "storescp", "OLDPACS", "-xf", str(_old_pacs_profile(tmp_path)), "Old") as peer,
        running_node(tmp_path / "node", {"old": ("OLDPACS", peer.port)}) as node,
    ):
        ds = make_dx(seed=21)
        assert store(node.port, [ds]) == [0x0000]
        files = until(peer.files, "both results", enough=lambda seen: len(seen) >= 2)
        classes = {pydicom.dcmread(file, stop_before_pixels=True).SOPClassUID for file in files}
        assert classes == {"1.2.840.10008.5.1.4.1.1.88.33", str(SecondaryCaptureImageStorage)}
        # the archive has the report a moment before the ledger knows its answer
        until(lambda: explain(node, ds), "the fall-back in the ledger", enough=lambda text: "Comprehensive SR" in text)


def test_a_bad_configuration_keeps_the_old_one_and_a_good_one_takes_effect(tmp_path: Path) -> None:
    with (
        running_orthanc(tmp_path / "orthanc") as archive,
        running_node(tmp_path / "node", {"pacs": ("ORTHANC", archive.dicom_port)}) as node,
    ):
        assert node.process is not None
        good = node.config.read_text()
        node.config.write_text(good.replace("ae_title: MODALITY", "ae_titel: OTHER"))
        node.process.send_signal(signal.SIGHUP)
        until(node.log, "the problem in the log", enough=lambda text: "ae_titel" in text)
        assert store(node.port, [make_dx(seed=22)]) == [0x0000]
        node.config.write_text(good.replace("model: pneumonia", "model: pneumonie"))
        node.process.send_signal(signal.SIGHUP)
        until(node.log, "the missing model in the log", enough=lambda text: "pneumonie" in text)
        ds = make_dx(seed=25)
        assert store(node.port, [ds]) == [0x0000]
        until(
            lambda: results(archive, ds),
            "report and heat map with the old settings",
            enough=lambda seen: len(seen) == 2,
        )
        node.config.write_text(good.replace("ae_title: MODALITY", "ae_title: OTHER"))
        node.process.send_signal(signal.SIGHUP)
        until(
            lambda: store(node.port, [make_dx(seed=23)], calling="OTHER"),
            "the new AE title",
            timeout_s=20,
            enough=lambda seen: seen == [0x0000],
        )
        assert store(node.port, [make_dx(seed=24)]) == [None]


def test_no_patient_data_reaches_the_log(node: RunningNode, archive: Orthanc) -> None:
    ds = make_dx(seed=30, PatientName="Unmistakable^Name", PatientID="UNMISTAKABLE-ID", PatientBirthDate="19010203")
    assert store(node.port, [ds]) == [0x0000]
    until(lambda: results(archive, ds), "report and heat map", enough=lambda seen: len(seen) == 2)
    log = node.log()
    assert "Unmistakable" not in log and "UNMISTAKABLE-ID" not in log and "19010203" not in log


def _old_pacs_profile(folder: Path) -> Path:
    """A storescp association profile without Comprehensive 3D SR."""
    classes = {
        "Comprehensive": "1.2.840.10008.5.1.4.1.1.88.33",
        "Capture": str(SecondaryCaptureImageStorage),
        "Verification": "1.2.840.10008.1.1",
    }
    lines = [
        "[[TransferSyntaxes]]",
        "[Plain]",
        "TransferSyntax1 = 1.2.840.10008.1.2.1",
        "[[PresentationContexts]]",
        "[Old]",
    ]
    lines += [f"PresentationContext{n} = {uid}\\Plain" for n, uid in enumerate(classes.values(), 1)]
    lines += ["[[Profiles]]", "[Old]", "PresentationContexts = Old"]
    path = folder / "old_pacs.cfg"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_study_of_several_images_gets_one_report(node: RunningNode, archive: Orthanc) -> None:
    images = [make_dx(seed=31, instance=number) for number in (1, 2, 3)]
    assert store(node.port, images) == [0x0000] * 3
    sent = {str(ds.SOPInstanceUID) for ds in images}

    def made() -> list[Dataset]:
        return [one for one in results(archive, images[0]) if str(one.SOPInstanceUID) not in sent]

    until(made, "a report and three heat maps", enough=lambda seen: len(seen) >= 4)
    time.sleep(4)
    objects = made()
    assert len(objects) == 4 and len(reports(objects)) == 1
    assert all(uid in text_of(reports(objects)[0]) for uid in sent)


def test_a_model_that_does_not_exist_is_told_at_the_start(tmp_path: Path) -> None:
    node = RunningNode(tmp_path, {"pacs": ("PACS", 104)})
    node.document["routes"][0]["model"] = "pneumonie"
    node.write_config()
    ended = subprocess.run(
        [sys.executable, "-m", "scp_node.cli", "serve", "--config", str(node.config)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2 and "pneumonie" in ended.stderr and "Traceback" not in ended.stderr
