"""The whole judgement as numbers, ready for JSON; the page shows nothing that is not in here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from converter.evaluation.cases import Case, Rival
from converter.evaluation.cautions import Overlap, cautions_of
from converter.evaluation.figures import PATIENTS_MIN, rounded
from converter.evaluation.finding_report import judge_finding
from converter.evaluation.intervals import LEVEL_PERCENT, ROUNDS
from converter.evaluation.together import count_together
from converter.package.manifest import Manifest

FORMAT = 1


@dataclass(frozen=True)
class Setting:
    """What the cases are. title: a few words for the page; splits: by source, what part of it was judged, for the
    reader; pooled: whether several sources may be thrown together; unjudged: files without a case, by reason;
    overlap: what the model was made from among them, where somebody has looked. robustness: what `robustness` says of
    some of the films, an entry a finding."""

    title: str
    created: str
    splits: Mapping[str, str] = field(default_factory=dict)
    pooled: bool = False
    patients_known: bool = True
    unjudged: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)
    overlap: Overlap | None = None
    robustness: Sequence[Mapping[str, Any]] = ()


def build_report(
    manifest: Manifest, cases: Sequence[Case], setting: Setting, rivals: Sequence[Rival] = ()
) -> dict[str, Any]:
    """Figures, curves and comparisons for each finding of `manifest`, and the list of all images.

    A declined image has no probability: it is counted, listed with its code, and figures are given with and without
    taking it for a negative call.
    """
    findings = [judge_finding(spec, cases, setting.splits, setting.pooled, rivals) for spec in manifest.findings]
    return {
        "format": FORMAT,
        "package": {
            "name": manifest.name,
            "version": manifest.version,
            "title": manifest.title,
            "onnx_sha256": manifest.onnx_sha256,
        },
        "setting": {"title": setting.title, "created": setting.created, "patients_known": setting.patients_known},
        "intervals": {"rounds": ROUNDS, "level_percent": LEVEL_PERCENT, "patients_min": PATIENTS_MIN},
        "counts": counts_of(cases, setting),
        "cautions": cautions_of(manifest, findings, setting.overlap, cases, rivals, setting.pooled),
        "learned_from": None if setting.overlap is None else asdict(setting.overlap),
        "findings": findings,
        "robustness": list(setting.robustness),
        "together": count_together(cases, manifest.findings),
        "images": [_image(number, case) for number, case in enumerate(cases, 1)],
        "unjudged": {reason: [dict(file) for file in files] for reason, files in setting.unjudged.items()},
    }


def counts_of(cases: Sequence[Case], setting: Setting) -> dict[str, Any]:
    codes = Counter(case.declined.code for case in cases if case.declined is not None)
    return {
        "labelled": len(cases),
        "analysed": len(cases) - codes.total(),
        "declined": dict(sorted(codes.items())),
        **{reason: len(files) for reason, files in setting.unjudged.items()},
    }


def _image(number: int, case: Case) -> dict[str, Any]:
    """One image for the JSON: the only place that names files. No patient."""
    return {
        "number": number,
        "file": case.name,
        "source": case.source,
        "view": case.view,
        "truth": dict(case.truth),
        "probability": {name: rounded(number) for name, number in case.probability.items()},
        "declined": None if case.declined is None else {"code": case.declined.code, "reason": case.declined.reason},
    }
