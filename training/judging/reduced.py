"""Whether a model may be given JPEG 2000 decoded at a reduced size: the same films, both ways, on devtest."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    generate_uid,
)

from converter.evaluation.metrics import auc, calibration_error
from converter.evaluation.weighted import Floats
from converter.image.convert import Converted, convert
from converter.package.manifest import Manifest
from converter.package.network import InputSpec
from converter.package.reduced_decoding import (
    REDUCED_AUC_TOLERANCE,
    REDUCED_ECE_TOLERANCE,
    ReducedCohort,
    ReducedEvidence,
)
from training.data.cohorts import Example, load_examples
from training.data.images import PIXELS_MAX
from training.data.splits import select
from training.packaging.manifest_file import write_manifest
from training.packaging.scores import Array, score

# Small, so that the films of the cohorts, which are far smaller than those of a detector, are reduced to hardly more
# than the network takes: the hardest case that the rule of converter.image.convert allows.
PREVIEW_SIDE_MAX = 128


def prove_reduced(folder: Path, manifest: Manifest, graph: bytes, data: Path) -> None:
    """Measure both ways and write `jpeg2000_evidence` into manifest.yaml; whether it is enough, the manifest judges."""
    examples = load_examples(data)
    evidence = ReducedEvidence(
        onnx_sha256=manifest.onnx_sha256,
        measured=f"{datetime.now(UTC):%Y-%m-%d}",
        auc_tolerance=REDUCED_AUC_TOLERANCE,
        ece_tolerance=REDUCED_ECE_TOLERANCE,
        cohorts=tuple(measure_cohorts(examples, manifest, graph)),
    )
    write_manifest(folder / "manifest.yaml", manifest.model_copy(update={"jpeg2000_evidence": evidence}))
    for one in evidence.cohorts:
        print(
            f"{one.cohort:12} {one.images:4} images reduced  AUC {one.auc_full:.4f} -> {one.auc_reduced:.4f}  "
            f"ECE {one.ece_full:.4f} -> {one.ece_reduced:.4f}  largest change {one.largest_change:.4f}"
        )
    problems = evidence.problems(manifest.onnx_sha256)
    print("; ".join(problems) or "within the tolerances: input.jpeg2000_reduced may be set")


def measure_cohorts(examples: Sequence[Example], manifest: Manifest, graph: bytes) -> Iterator[ReducedCohort]:
    """Each trained-on cohort, those of its devtest films that are large enough to be reduced at all."""
    reduced_spec = manifest.input.model_copy(update={"jpeg2000_reduced": True})
    full_spec = manifest.input.model_copy(update={"jpeg2000_reduced": False})
    for cohort in manifest.cohorts:
        chosen, full, reduced = [], [], []
        for example in select(examples, "devtest", [cohort.name]):
            both = convert_both(example.path, full_spec, reduced_spec)
            if both is not None:
                chosen.append(example)
                full.append(both[0])
                reduced.append(both[1])
        positive = np.array([example.positive for example in chosen])
        if len(set(positive.tolist())) < 2:  # nothing to separate
            continue
        whole, less = probability(graph, full), probability(graph, reduced)
        yield ReducedCohort(
            cohort=cohort.name,
            split="devtest",
            images=len(chosen),
            auc_full=round(auc(positive, whole), 6),
            auc_reduced=round(auc(positive, less), 6),
            ece_full=round(calibration_error(positive, whole), 6),
            ece_reduced=round(calibration_error(positive, less), 6),
            largest_change=round(float(np.abs(less - whole).max()), 6),
        )


def probability(graph: bytes, inputs: Sequence[Array]) -> Floats:
    return score(graph, np.stack(inputs)).probability[:, 0].astype(np.float64)


def convert_both(file: Path, full: InputSpec, reduced: InputSpec) -> tuple[Array, Array] | None:
    """The model's input from the film as JPEG 2000, decoded in full and reduced; None where it is not reduced."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.dcm"
        as_jpeg2000(file).save_as(path, enforce_file_format=True)
        whole, less = (convert(path, spec, None, PREVIEW_SIDE_MAX, PIXELS_MAX) for spec in (full, reduced))
    if not isinstance(whole, Converted) or not isinstance(less, Converted) or less.notes == whole.notes:
        return None
    return whole.model_input, less.model_input


def as_jpeg2000(file: Path) -> Dataset:
    """A film of a cohort as a DX image in JPEG 2000 Lossless."""
    pixels = np.asarray(cv2.imread(str(file), cv2.IMREAD_GRAYSCALE))
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid("2.25.", [str(file)])
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = pixels.shape
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit, ds.PixelRepresentation = 7, 0
    ds.add_new("PixelData", "OW", pixels.tobytes() + b"\0" * (pixels.size % 2))
    ds.compress(JPEG2000Lossless, encoding_plugin="pylibjpeg", generate_instance_uid=False)
    return ds
