"""A result built anew from images that were examined again, with the results beside which it was built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydicom import Dataset
from pydicom.uid import ComprehensiveSRStorage

from converter.package.manifest import Manifest
from converter.result.kinds.content import BuiltResult, Rendering, ReportedImage, SrClass, StudyContent
from converter.result.kinds.table import RESULT_KINDS, ResultKind
from scp_node.ledger import ReportRow, ResultRow, Transaction
from scp_node.reporting.content import study_content
from scp_node.reporting.earlier import earlier_of
from scp_node.settings import Settings


def built_again(
    tx: Transaction,
    settings: Settings,
    result: ResultRow,
    report: ReportRow,
    manifest: Manifest,
    images: Sequence[ReportedImage],
    renderings: Mapping[str, Rendering],
) -> Dataset | None:
    """The object of the kind and class of `result`; None where there is nothing to build it from. `renderings`: by SOP
    Instance UID, of the images that are analysed."""
    siblings = tx.results.of_report(report.id)
    sent = {(one.kind, one.source_instance_uid) for one in siblings} | {
        (kind, image.sop_instance_uid)
        for kind in RESULT_KINDS
        for image in images
        if tx.results.over_image(kind, image.sop_instance_uid, image.version, report.model) is not None
    }
    content = study_content(
        report,
        manifest,
        images,
        settings,
        lambda image: renderings[image.sop_instance_uid],
        before=earlier_of(tx, report),
    )
    options = replace(content.options, heatmap_for="all", sr_class=_class_of(result, siblings))
    content = replace(content, options=options)
    built: dict[str, list[BuiltResult]] = {}
    for kind in RESULT_KINDS.values():
        built[kind.name] = [
            one
            for one in kind.load().build(content, built)
            if kind.name == result.kind or (kind.name, one.source_instance_uid) in sent
        ]
        if kind.name == result.kind:
            return _in_class(result, kind, built, content)
    return None


def _class_of(result: ResultRow, siblings: Sequence[ResultRow]) -> SrClass:
    """That of the report itself, or of the one that was built first beside another result, which may refer to it."""
    classes = [one.sop_class_uid for one in siblings if one.kind == "sr"]
    if result.kind == "sr":
        classes = [result.sop_class_uid]
    return "comprehensive" if classes and set(classes) == {ComprehensiveSRStorage} else "comprehensive_3d"


def _in_class(
    result: ResultRow, kind: ResultKind, built: dict[str, list[BuiltResult]], content: StudyContent
) -> Dataset | None:
    """The one that was sent: built in its class, or made of the preferred class when a destination refused that."""
    mine = [one.ds for one in built[kind.name] if one.source_instance_uid == result.source_instance_uid]
    mine.sort(key=lambda one: str(one.SOPInstanceUID) != result.sop_instance_uid)  # a kind may have two documents
    ds = next(iter(mine), None)
    is_comprehensive = result.sop_class_uid == ComprehensiveSRStorage
    if ds is None or ds.SOPInstanceUID == result.sop_instance_uid or not is_comprehensive:
        return ds
    preferred = replace(content, options=replace(content.options, sr_class="comprehensive_3d"))
    module = kind.load()
    first = next(one.ds for one in module.build(preferred, built))
    return module.as_class(first, str(first.SOPClassUID))
