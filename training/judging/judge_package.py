"""What a package says of labelled examples, as the node would hear it: every file through converter.image.convert."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from converter.declined import Declined
from converter.errors import ConverterError
from converter.evaluation.cases import Case
from converter.evaluation.gallery import Gallery
from converter.evaluation.localisation import Localised, localise
from converter.image.convert import Converted
from converter.package.manifest import InputSpec, Manifest
from converter.result.findings import Finding
from converter.result.judge import judge, refused_by_gate
from training.data.cohorts import Example
from training.data.images import READERS, convert_film
from training.packaging.manifest_file import read_manifest
from training.packaging.package_folder import read_graph
from training.packaging.scores import Array, score

FILES_AT_ONCE = 256


@dataclass(frozen=True)
class Package:
    manifest: Manifest
    graph: bytes

    @property
    def label(self) -> str:
        return f"{self.manifest.name} {self.manifest.version}"


@dataclass(frozen=True)
class CohortFolder:
    """Where the examples of a cohort lie, so that files are named from there, and what it is labelled for."""

    folder: Path
    findings: tuple[str, ...]


@dataclass(frozen=True)
class Judgement:
    """What a package says of an image that nothing refused; cam: [findings, h, w]."""

    image: Converted
    findings: tuple[Finding, ...]
    cam: Array

    @property
    def probability(self) -> dict[str, float]:
        return {finding.name: finding.probability for finding in self.findings}


def open_package(folder: Path) -> Package:
    manifest = read_manifest(folder)
    return Package(manifest, read_graph(folder, manifest))


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
    for start in range(0, len(examples), FILES_AT_ONCE):
        some = examples[start : start + FILES_AT_ONCE]
        for example, judgement in zip(some, judgements_of(package, [example.path for example in some]), strict=True):
            case = case_of(example, sources[example.cohort], package.manifest, judgement)
            cases.append(case)
            if galleries is not None and isinstance(judgement, Judgement):
                for finding, cam in zip(judgement.findings, judgement.cam, strict=True):
                    galleries[finding.name].add(len(cases), case, judgement.image.preview, cam)
    return cases


def judgements_of(package: Package, files: Sequence[Path]) -> Iterator[Judgement | Declined]:
    """What is said of each file, judged as the node judges. Ends the program at a file that cannot be read."""
    converted = convert_all(files, package.manifest.input)
    judgements = iter(judged(package, [image for image in converted if isinstance(image, Converted)]))
    for image in converted:
        yield image if isinstance(image, Declined) else next(judgements)


def convert_all(files: Sequence[Path], spec: InputSpec) -> list[Converted | Declined]:
    def read(file: Path) -> Converted | Declined:
        try:
            return convert_film(file, spec)
        except ConverterError as error:
            raise SystemExit(f"{file}: {error}") from error

    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(read, files))


def judged(package: Package, images: Sequence[Converted]) -> Iterator[Judgement | Declined]:
    """The findings of each image and their maps, or why the input gate refuses it."""
    if not images:
        return
    manifest = package.manifest
    inputs = np.stack([image.model_input for image in images])
    found = score(package.graph, inputs, gate=manifest.gate.output if manifest.gate else None)
    cams = found.cam if manifest.input.layout == "NCHW" else np.moveaxis(found.cam, -1, 1)
    for place, image in enumerate(images):
        refused = refused_by_gate(manifest, None if found.gate is None else found.gate[place])
        yield refused or Judgement(image, judge(manifest, found.probability[place]), cams[place])


def case_of(example: Example, source: CohortFolder, manifest: Manifest, judgement: Judgement | Declined) -> Case:
    names = [finding.name for finding in manifest.findings]
    return Case(
        name=f"{example.cohort}: {os.path.relpath(example.path, source.folder)}",
        patient=example.patient_id,
        source=example.cohort,
        truth={name: name in example.findings for name in names if name in source.findings},
        probability={} if isinstance(judgement, Declined) else judgement.probability,
        declined=judgement if isinstance(judgement, Declined) else None,
        view=example.view,
        sex=example.sex,
        age_years=example.age_years,
        localised={} if isinstance(judgement, Declined) else located(example, judgement),
    )


def located(example: Example, judgement: Judgement) -> dict[str, Localised]:
    """The map of each finding against the boxes that readers drew for it. Boxes without a name are of every finding."""
    found, image = {}, judgement.image
    for finding, cam in zip(judgement.findings, judgement.cam, strict=True):
        names = example.box_findings or (finding.name,) * len(example.boxes)
        boxes = [box for box, name in zip(example.boxes, names, strict=True) if name == finding.name]
        if boxes:
            found[finding.name] = localise(cam, boxes, image.preview.shape, image.preview_to_source, image.source_shape)
    return found
