"""Store to result, compared with the sum of its stages when each of them runs alone, and where the rest of it goes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from pydicom import Dataset

from converter.analysis.judge import judged
from converter.image.convert import Converted, convert
from converter.image.image_file import read_header
from converter.result.algorithm import algorithm_of
from converter.result.encode import to_bytes
from converter.result.findings import AnalysedImage, Finding, HeatmapInput, StudyReport
from converter.result.regions import Field, regions_of
from converter.result.secondary_capture import build_heatmap
from converter.result.structured_report import build_structured_report
from scp_node.deliver.destinations import Destinations
from scp_node.dimse.uids import COMPREHENSIVE_3D_SR
from scp_node.inference.packages import find_package
from scp_node.inference.session import InferenceSession
from scp_node.ledger import EventRow, Ledger
from scp_node.settings import Inference, Report
from scp_node.settings.places import shipped_models_dir
from tests.bench import loads
from tests.bench.held_memory import HeldMemory
from tests.bench.load_client import SenderConnection, percentile
from tests.bench.loads import DX, Image, uid
from tests.bench.peers.hilum import AT_ONCE, HilumNode, HilumReceiver
from tests.bench.peers.orthanc import OrthancPeer
from tests.bench.whole_way import REST_S, STUDY_MEMORY, System, store_to_result
from tests.bench.workplace import Record, Workplace, running
from tests.support.node.delivering import settings_for
from tests.support.results.reports import an_identity

ROUNDS, QUICK_ROUNDS = 4, 1
STUDIES, QUICK_STUDIES = 30, 3
WARM_UP = 2
# Steps that the ledger times, in the order of the table; what lies between them is waiting and commits.
STEPS = (
    *("choose_route", "check_eligibility", "convert", "infer", "judge"),
    *("gather_images", "build_heatmaps", "build_report", "send"),
)


def measure(workplace: Workplace) -> list[Record]:
    records: list[Record] = []
    studies = QUICK_STUDIES if workplace.quick else STUDIES
    pictures = loads.images(DX, workplace.loads)
    for number in range(QUICK_ROUNDS if workplace.quick else ROUNDS):
        with workplace.fresh_folder() as folder, running(OrthancPeer(), folder) as archive:
            alone = {"receive": _receive(workplace, folder, pictures, studies)}
            alone |= _analyse_and_send(loads.make(DX, workplace.loads)[0], archive, folder, studies)
            node = HilumNode((archive.ae_title, archive.port), **AT_ONCE)
            with running(node, folder):
                record = _together(System(node, archive), pictures, workplace, studies)
            medians = {name: 1000 * percentile(values, 0.5) for name, values in alone.items()}
            records.append({"round": number, "alone_ms": medians, "sum_ms": sum(medians.values()), **record})
        workplace.say(f"stages: round {number + 1} done")
    return records


def _together(one: System, pictures: list[Image], workplace: Workplace, studies: int) -> Record:
    """The whole way until report and heat map are there, one study at a time."""
    assert isinstance(one.door, HilumReceiver)
    ledger = one.door.ledger()
    latencies: list[float] = []
    steps: dict[str, list[float]] = {}
    try:
        for index in range(WARM_UP + studies):
            number = workplace.numbers(1) + 1  # the next one is what store_to_result takes
            latency = store_to_result(one, pictures[index % len(pictures)], workplace, heatmaps=1)
            if index >= WARM_UP:
                latencies.append(latency)
                for name, took_ms in _steps_of(ledger, uid("study", number)).items():
                    steps.setdefault(name, []).append(took_ms)
    finally:
        ledger.engine.dispose()
    return {
        "latencies_ms": [1000 * latency for latency in latencies],
        "p50_ms": 1000 * percentile(latencies, 0.5),
        "p99_ms": 1000 * percentile(latencies, 0.99),
        "steps_ms": {name: percentile(values, 0.5) for name, values in steps.items()},
    }


def _steps_of(ledger: Ledger, study_instance_uid: str) -> dict[str, float]:
    """Milliseconds by step of one study; `send` is that of the report."""
    with ledger.reading() as tx:
        events = tx.events.of_study(study_instance_uid)
        report = tx.reports.of_study(study_instance_uid)[0]
        sent = {one.sop_instance_uid for one in tx.results.of_report(report.id) if one.kind == "sr"}
    steps: dict[str, EventRow] = {
        event.step: event for event in events if event.step != "send" or event.subject in sent
    }
    return {name: steps[name].took_ms or 0.0 for name in STEPS if name in steps}


# --- each stage alone -------------------------------------------------------------------------------------------------


def _receive(workplace: Workplace, folder: Path, pictures: list[Image], count: int) -> list[float]:
    """Association, C-STORE and its answer, with no worker running."""
    times = []
    with running(HilumReceiver(), folder) as receiver:
        for index in range(WARM_UP + count):
            number, image = workplace.numbers(1), pictures[index % len(pictures)]
            HeldMemory(STUDY_MEMORY).release()
            began = time.perf_counter()
            connection = SenderConnection(receiver.port, receiver.ae_title, [image])
            connection.store_image(image, number)
            times.append(time.perf_counter() - began)
            connection.release()
            connection.socket.close()
            time.sleep(REST_S / 3)
    return times[WARM_UP:]


def _analyse_and_send(path: Path, archive: OrthancPeer, folder: Path, count: int) -> dict[str, list[float]]:
    package = find_package(shipped_models_dir(), "pneumonia")
    session, spec = InferenceSession(package, ("cpu",)), package.manifest.input
    side_max, pixels_max = Report().heatmap_side_max, Inference().pixels_max
    converted = convert(path, spec, None, side_max, pixels_max)
    assert isinstance(converted, Converted)
    scores = session.run(converted.model_input[None]).image(0)
    source = read_header(path)
    findings = judged(package.manifest, scores, converted)
    cam = scores.cam[0]
    revision = iter(range(1, 10**6))
    destinations = Destinations(settings_for({"archive": (archive.ae_title, archive.port)}))

    def build() -> list[bytes]:
        field = Field(converted.preview.shape, converted.preview_to_source, converted.source_shape)
        regions, _ = regions_of(cam, None, field)
        found = [Finding(f.name, f.concept, f.probability, f.threshold, f.positive, regions) for f in findings]
        image = AnalysedImage(source, tuple(found), ())
        identity = an_identity(str(source.StudyInstanceUID), next(revision))
        algorithm = algorithm_of(package.manifest)
        drawn = HeatmapInput(image, found[0], converted.preview, converted.preview_to_source, cam)
        heatmap: Dataset = build_heatmap(drawn, identity, algorithm, side_max, "source")
        report = StudyReport(identity, algorithm, (image,), (), {source.SOPInstanceUID: heatmap}, ())
        return [to_bytes(build_structured_report(report, COMPREHENSIVE_3D_SR, "source")), to_bytes(heatmap)]

    files = [folder / name for name in ("report.dcm", "heatmap.dcm")]

    def send() -> None:
        for file in files:
            outcome = destinations.send("archive", file)
            if not outcome.sent:
                raise RuntimeError(outcome.message)

    def write() -> None:
        for file, data in zip(files, build(), strict=True):
            file.write_bytes(data)

    stages = {
        "decode and render": _timed(lambda: convert(path, spec, None, side_max, pixels_max), count),
        "infer": _timed(lambda: session.run(converted.model_input[None]), count),
        "build objects": _timed(build, count),
        "two C-STOREs": _timed(send, count, before=write),
    }
    destinations.close()
    return stages


def _timed(work: Callable[[], object], count: int, before: Callable[[], object] = lambda: None) -> list[float]:
    times = []
    for _ in range(WARM_UP + count):
        before()
        HeldMemory(STUDY_MEMORY).release()
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return times[WARM_UP:]
