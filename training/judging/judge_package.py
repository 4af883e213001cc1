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
from converter.package.gate import refusal
from converter.package.manifest import InputSpec, Manifest
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
        converted = convert_all([example.path for example in some], package.manifest.input)
        scores = iter(scores_of(package, [image for image in converted if isinstance(image, Converted)]))
        for example, image in zip(some, converted, strict=True):
            source = sources[example.cohort]
            if isinstance(image, Declined):
                cases.append(case_of(example, source, package.manifest, declined=image))
                continue
            probability, cam, refused = next(scores)
            if refused is not None:
                cases.append(case_of(example, source, package.manifest, declined=refused))
                continue
            case = case_of(example, source, package.manifest, probability, boxes=located(example, image, cam, package))
            cases.append(case)
            for place, finding in enumerate(package.manifest.findings):
                if galleries is not None:
                    galleries[finding.name].add(len(cases), case, image.preview, cam[place])
    return cases


def convert_all(files: Sequence[Path], spec: InputSpec) -> list[Converted | Declined]:
    def read(file: Path) -> Converted | Declined:
        try:
            return convert_film(file, spec)
        except ConverterError as error:
            raise SystemExit(f"{file}: {error}") from error

    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(read, files))


def scores_of(package: Package, images: Sequence[Converted]) -> Iterator[tuple[Array, Array, Declined | None]]:
    """probability [findings], cam [findings, h, w] and what the input gate says, of each image."""
    if not images:
        return
    manifest, gate = package.manifest, package.manifest.gate
    inputs = np.stack([image.model_input for image in images])
    found = score(package.graph, inputs, gate=gate.output if gate else None)
    cams = found.cam if manifest.input.layout == "NCHW" else np.moveaxis(found.cam, -1, 1)
    for n in range(len(images)):
        refused = refusal(gate, found.gate[n]) if gate and found.gate is not None else None
        yield found.probability[n], cams[n], refused


def located(example: Example, image: Converted, cam: Array, package: Package) -> dict[str, Localised]:
    """The map of each finding against the boxes that readers drew for it. Boxes without a name are of every finding."""
    found = {}
    for place, finding in enumerate(package.manifest.findings):
        names = example.box_findings or (finding.name,) * len(example.boxes)
        boxes = [box for box, name in zip(example.boxes, names, strict=True) if name == finding.name]
        if boxes:
            found[finding.name] = localise(
                cam[place], boxes, image.preview.shape, image.preview_to_source, image.source_shape
            )
    return found


def case_of(
    example: Example,
    source: CohortFolder,
    manifest: Manifest,
    probability: Array | None = None,
    declined: Declined | None = None,
    boxes: Mapping[str, Localised] | None = None,
) -> Case:
    names = [finding.name for finding in manifest.findings]
    return Case(
        name=f"{example.cohort}: {os.path.relpath(example.path, source.folder)}",
        patient=example.patient_id,
        source=example.cohort,
        truth={name: name in example.findings for name in names if name in source.findings},
        probability={} if probability is None else dict(zip(names, probability.tolist(), strict=True)),
        declined=declined,
        view=example.view,
        sex=example.sex,
        age_years=example.age_years,
        localised=boxes or {},
    )
