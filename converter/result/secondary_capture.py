"""The heat map as a Secondary Capture image of the study it was made from."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from converter.errors import Unreportable
from converter.image.header import word, words
from converter.image.pixel_layout import stated_frames
from converter.image.sop_classes import is_sectional
from converter.image.transfer_syntaxes import transfer_syntax
from converter.result import coding
from converter.result.encode import add_file_meta
from converter.result.film_names import film_name
from converter.result.findings import Algorithm, HeatmapInput, ReportIdentity
from converter.result.heatmap import Caption, draw_heatmap
from converter.result.provenance import add_origin, code_item, heatmap_description, result_uid
from converter.result.series_numbers import film_series_number
from converter.result.source_attributes import Charset, SourceAttributes
from converter.result.template import encoded
from converter.result.wording import percent, plain, threshold_percent

_DIRECTION = re.compile("[LRAPHF]{1,3}")
_OPPOSITE = {"L": "R", "R": "L", "A": "P", "P": "A", "H": "F", "F": "H"}
SERIES = ("BodyPartExamined", "Laterality", "RequestAttributesSequence")
_LOSSY = ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod")
# What a heat map takes from its source beside patient and study.
COPIED = (*SERIES, *_LOSSY)


def build_heatmap(
    heatmap: HeatmapInput, identity: ReportIdentity, algorithm: Algorithm, side_max: int, charset: Charset
) -> Dataset:
    """An RGB Secondary Capture of the heat map, in the study of its source image (PS3.3 A.8.1)."""
    source = heatmap.image.source
    if source.get("StudyInstanceUID") != identity.study_instance_uid or not source.get("SeriesInstanceUID"):
        raise Unreportable(
            f"image {source.get('SOPInstanceUID')} does not belong to study {identity.study_instance_uid}"
        )
    attributes = SourceAttributes.of(source, charset)
    ds = attributes.new_result()
    _add_series(ds, heatmap, identity, algorithm)
    attributes.copy_to(ds, SERIES)
    complete_body_part(ds, is_sectional(str(source.SOPClassUID), word(source, "Modality")))
    add_origin(ds, identity, algorithm, encoded)
    _add_image(ds, heatmap, algorithm)
    attributes.copy_to(ds, _LOSSY)
    if not ds.get("LossyImageCompression"):
        ds.LossyImageCompression = "00" if _is_lossless(source) else "01"
    picture = draw_heatmap(
        heatmap.preview,
        heatmap.cam,
        heatmap.finding,
        Caption(algorithm, film_name(source, heatmap.say), heatmap.remarks, heatmap.say),
        heatmap.preview_to_source,
        side_max,
        heatmap.lungs,
    )
    add_pixels(ds, picture)
    add_file_meta(ds)
    return ds


def preview_orientation(source: Dataset, preview_to_source: NDArray[np.float64]) -> list[str]:
    """Patient Orientation of the preview's rows and columns (PS3.3 C.7.6.1.1.1); empty when the source has none."""
    stored = words(source, "PatientOrientation")
    if len(stored) != 2 or not all(_DIRECTION.fullmatch(part) for part in stored):
        return []
    directions = []
    for axis in (0, 1):
        step = preview_to_source[:, axis]
        along = int(np.argmax(np.abs(step)))
        letters = stored[along]
        directions.append(letters if step[along] > 0 else "".join(_OPPOSITE.get(letter, letter) for letter in letters))
    return directions


def _is_lossless(source: Dataset) -> bool:
    """What the transfer syntax says where the header is silent (PS3.3 C.7.6.1.1.5)."""
    syntax = transfer_syntax(str(getattr(source, "file_meta", Dataset()).get("TransferSyntaxUID", "")))
    return syntax is None or syntax.lossless


def _add_series(ds: Dataset, heatmap: HeatmapInput, identity: ReportIdentity, algorithm: Algorithm) -> None:
    """General Series and SC Equipment (PS3.3 C.7.3.1, C.8.6.1): a series of its own for each source image."""
    source_uid = heatmap.image.source.SOPInstanceUID
    parts = (identity.study_instance_uid, source_uid, algorithm.name, algorithm.version)
    ds.SOPClassUID = SecondaryCaptureImageStorage
    ds.SOPInstanceUID = result_uid(
        *parts, f"heatmap {heatmap.finding.name}", SecondaryCaptureImageStorage, str(identity.revision)
    )
    ds.StudyInstanceUID = identity.study_instance_uid
    ds.SeriesInstanceUID = result_uid(*parts, f"heatmap series {heatmap.finding.name}", str(identity.revision))
    ds.Modality = "OT"
    ds.ConversionType = "WSD"
    ds.SeriesNumber = film_series_number("heatmap", heatmap.number)
    ds.SeriesDescription = heatmap_description(heatmap.finding, film_name(heatmap.image.source))
    ds.InstanceNumber = heatmap.number


def complete_body_part(ds: Dataset, of_slice: bool) -> None:
    """Body part and Laterality as General Series asks for them together (PS3.3 C.7.3.1): a chest has no side. A
    radiograph that names no part was taken for a chest; of a slice that names none nothing is invented."""
    if not ds.get("BodyPartExamined") and not of_slice:
        ds.BodyPartExamined = "CHEST"
    if ds.get("BodyPartExamined") == "CHEST":
        if "Laterality" in ds:
            del ds.Laterality
    elif "Laterality" not in ds:
        ds.Laterality = None


def _add_image(ds: Dataset, heatmap: HeatmapInput, algorithm: Algorithm) -> None:
    """General Image, General Reference and Common Instance Reference (PS3.3 C.7.6.1, C.12.4, C.12.2)."""
    source = heatmap.image.source
    ds.ImageType = ["DERIVED", "SECONDARY"]
    ds.ContentQualification = "RESEARCH"
    ds.PatientOrientation = preview_orientation(source, heatmap.preview_to_source)
    ds.DerivationDescription = _derivation(heatmap, algorithm)
    ds.BurnedInAnnotation = "YES"
    ds.RecognizableVisualFeatures = "NO"
    reference = Dataset()
    reference.ReferencedSOPClassUID = source.SOPClassUID
    reference.ReferencedSOPInstanceUID = source.SOPInstanceUID
    source_image = Dataset()
    source_image.update(reference)
    if (stated_frames(source) or 1) > 1:
        source_image.ReferencedFrameNumber = 1
    source_image.PurposeOfReferenceCodeSequence = [code_item(coding.SOURCE_IMAGE_FOR_PROCESSING)]
    ds.SourceImageSequence = [source_image]
    series = Dataset()
    series.SeriesInstanceUID = source.SeriesInstanceUID
    series.ReferencedInstanceSequence = [reference]
    ds.ReferencedSeriesSequence = [series]


def _derivation(heatmap: HeatmapInput, algorithm: Algorithm) -> str:
    finding = heatmap.finding
    shown = "image without a map" if heatmap.cam is None else "class activation map blended over the image"
    decision = "present" if finding.positive else "absent"
    return plain(
        f"{finding.concept.meaning} by {algorithm.name} {algorithm.version}: {shown}. Probability "
        f"{percent(finding.probability, finding.threshold)} %, operating threshold "
        f"{threshold_percent(finding.threshold)} %: {decision}. Research use only, not for diagnosis."
    )[:1024]


def add_pixels(ds: Dataset, picture: NDArray[np.uint8]) -> None:
    """Image Pixel (PS3.3 C.7.6.3): 8-bit RGB by pixel."""
    ds.Rows, ds.Columns = picture.shape[:2]
    ds.SamplesPerPixel = 3
    ds.PhotometricInterpretation = "RGB"
    ds.PlanarConfiguration = 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    pixels = picture.tobytes()
    ds.add_new("PixelData", "OB", pixels + b"\0" * (len(pixels) % 2))
