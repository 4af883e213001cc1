"""What the results of a study are built from, out of ledger, spool and settings."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from pydicom import DataElement, Dataset
from pydicom.config import IGNORE

from converter.declined import Declined
from converter.errors import ConverterError
from converter.image.header import value
from converter.package.manifest import Manifest
from converter.result.algorithm import algorithm_of
from converter.result.findings import ReportIdentity
from converter.result.identity import patient_of
from converter.result.kinds.content import Rendering, ReportedImage, ResultOptions, StudyContent
from converter.result.localised import Localisation, localised
from converter.result.patient import Patient
from converter.result.provenance import device_uid
from scp_node.decode.pool import DecodePool
from scp_node.errors import DecodeFailed
from scp_node.ledger import Analysis, InstanceRow, ReportRow
from scp_node.reporting.earlier import Earlier
from scp_node.settings import Report, Settings


def reported_image(
    instance: InstanceRow, analysis: Analysis | None, path: Path, decode_pool: DecodePool
) -> ReportedImage:
    """One instance of a report with its header and, if it was analysed, what was found. Raises OutOfResources."""
    declined = None
    if analysis is None and instance.decline_code is not None:
        declined = Declined(instance.decline_code, instance.detail)
    return ReportedImage(
        sop_instance_uid=instance.sop_instance_uid,
        source=header_or_stub(instance, path, decode_pool),
        findings=() if analysis is None else analysis.findings,
        lungs=None if analysis is None else analysis.lungs,
        notes=tuple(instance.notes),
        cam=None if analysis is None else analysis.cam,
        judged_at=instance.finished_at,
        declined=declined,
        version=instance.version,
    )


def header_or_stub(instance: InstanceRow, path: Path, decode_pool: DecodePool) -> Dataset:
    """The header of an instance; of an identity that cannot be read, what the ledger knows: a report must still name
    the image, as its sender did."""
    try:
        ds = decode_pool.header(path)
    except (ConverterError, DecodeFailed):
        ds = Dataset()
    ds.pop("PixelData", None)
    for keyword, uid in (
        ("SOPClassUID", instance.sop_class_uid),
        ("SOPInstanceUID", instance.sop_instance_uid),
        ("StudyInstanceUID", instance.study_instance_uid),
        ("SeriesInstanceUID", instance.series_instance_uid),
    ):
        if value(ds, keyword) is None:
            ds.add(DataElement(keyword, "UI", uid, validation_mode=IGNORE))
    return ds


def patient_in(path: Path, decode_pool: DecodePool) -> Patient | None:
    """Whose image it is, or None where its header cannot be read. Raises OutOfResources."""
    try:
        return patient_of(decode_pool.header(path))
    except (ConverterError, DecodeFailed):
        return None


def study_content(
    report: ReportRow,
    manifest: Manifest,
    images: Collection[ReportedImage],
    settings: Settings,
    rendering: Callable[[ReportedImage], Rendering],
    earlier: Callable[[str, str], Dataset | None] = lambda kind, sop_instance_uid: None,
    before: Earlier | None = None,
    refused_classes: Collection[str] = (),
) -> StudyContent:
    """Times are those of this site's clock, as the Study Time beside them is."""
    before = before or Earlier()
    label, ae_title = f"{manifest.name}@{manifest.version}", settings.node.ae_title
    return StudyContent(
        ReportIdentity(
            study_instance_uid=report.study_instance_uid,
            revision=report.revision,
            created_at=report.created_at.astimezone(),
            device_uid=device_uid(ae_title, label),
            station_name=ae_title,
        ),
        algorithm_of(manifest),
        tuple(_shown(image, settings.report.localisation) for image in images),
        result_options(settings.report, refused_classes),
        rendering,
        earlier,
        before.predecessors,
        tuple(report.left_out),
        tuple(report.gone),
        before.prior,
        before.rejected,
    )


def _shown(image: ReportedImage, localisation: Localisation) -> ReportedImage:
    """Without places it has no map either, which would show one."""
    cam = None if localisation == "none" else image.cam
    return replace(image, findings=localised(image.findings, localisation), cam=cam)


def result_options(report: Report, refused_classes: Collection[str] = ()) -> ResultOptions:
    """What the section `report` says of results."""
    return ResultOptions(
        report.charset,
        report.sop_class,
        report.heatmap_side_max,
        report.heatmap_for,
        frozenset(refused_classes),
        report.language,
    )
