"""What a package says of labelled examples: every file through the analysis that the node itself uses."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from converter.analysis.analyse import analyse
from converter.analysis.outcome import Analysed, Examined
from converter.analysis.policy import Policy
from converter.analysis.ports import FileDecoder
from converter.evaluation.cases import Case
from converter.evaluation.gallery import Gallery
from converter.evaluation.localisation import Localised, localise
from converter.package.manifest import Manifest
from training.data.cohorts import Example
from training.data.images import PIXELS_MAX, PREVIEW_SIDE_MAX, READERS
from training.packaging.graph_model import Package

FILES_AT_ONCE = 256
# A cohort is what its publication says it is, whatever the headers say.
COHORT_POLICY = Policy("refuse", PREVIEW_SIDE_MAX, PIXELS_MAX, header_rules=False)


@dataclass(frozen=True)
class CohortFolder:
    """Where the examples of a cohort lie, so that files are named from there, and what it is labelled for."""

    folder: Path
    findings: tuple[str, ...]


def judge_examples(
    package: Package,
    examples: Sequence[Example],
    sources: Mapping[str, CohortFolder],
    galleries: Mapping[str, Gallery] | None = None,
) -> list[Case]:
    """A case an example, in the order given; `galleries` by finding are shown the analysed ones.

    The header rules of the node are left out: a cohort is what its publication says it is. Ends the program at a file
    that cannot be read, because a cohort has no such files.
    """
    cases: list[Case] = []
    found = examined(package, [example.path for example in examples], COHORT_POLICY)
    for example, one in zip(examples, found, strict=True):
        case = case_of(example, sources[example.cohort], package.manifest, one)
        cases.append(case)
        if galleries is not None and one.analysed is not None:
            for finding, cam in zip(one.analysed.findings, one.analysed.cam, strict=True):
                galleries[finding.name].add(len(cases), case, one.analysed.converted.preview, cam)
    return cases


def examined(package: Package, files: Sequence[Path], policy: Policy) -> Iterator[Examined]:
    """What the node's own analysis says of each file, in their order; a bounded number is held in memory. Ends the
    program at a file that cannot be read."""

    def one(file: Path) -> Examined:
        return analyse(file, package, FileDecoder(), policy)

    with ThreadPoolExecutor(READERS) as threads:
        for start in range(0, len(files), FILES_AT_ONCE):
            some = files[start : start + FILES_AT_ONCE]
            for file, found in zip(some, threads.map(one, some), strict=True):
                if found.failure is not None:
                    raise SystemExit(f"{file}: {found.failure}") from found.failure
                yield found


def case_of(example: Example, source: CohortFolder, manifest: Manifest, found: Examined) -> Case:
    names = [finding.name for finding in manifest.findings]
    analysed = found.analysed
    return Case(
        name=f"{example.cohort}: {os.path.relpath(example.path, source.folder)}",
        patient=example.patient_id,
        source=example.cohort,
        truth={name: name in example.findings for name in names if name in source.findings},
        probability={} if analysed is None else {one.name: one.probability for one in analysed.findings},
        declined=found.declined,
        view=example.view,
        sex=example.sex,
        age_years=example.age_years,
        localised={} if analysed is None else located(example, analysed),
    )


def located(example: Example, analysed: Analysed) -> dict[str, Localised]:
    """The map of each finding against the boxes that readers drew for it. Boxes without a name are of every finding."""
    found, image = {}, analysed.converted
    for finding, cam in zip(analysed.findings, analysed.cam, strict=True):
        names = example.box_findings or (finding.name,) * len(example.boxes)
        boxes = [box for box, name in zip(example.boxes, names, strict=True) if name == finding.name]
        if boxes:
            found[finding.name] = localise(cam, boxes, image.preview.shape, image.preview_to_source, finding.full_scale)
    return found
