"""A small Secondary Capture that says in a viewer that no image of a study was analysed, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from converter.image.header import word
from converter.image.sop_classes import is_sectional
from converter.result.encode import add_file_meta
from converter.result.findings import Algorithm, ReportIdentity
from converter.result.heatmap import AMBER, GRAY, GROUND, TEXT_WIDTH, WHITE
from converter.result.labels import MODEL, NOT_ANALYSED, NOTICE
from converter.result.lettering import text_width, wrapped, write
from converter.result.provenance import add_origin, result_uid, series_description
from converter.result.secondary_capture import SERIES, add_pixels, complete_body_part
from converter.result.series_numbers import OF_STUDY
from converter.result.source_attributes import Charset, SourceAttributes
from converter.result.template import encoded
from converter.result.wording import plain
from converter.words.catalogue import ENGLISH, Say, Words

WIDTH, UNIT, LINE = 1024, 14, 28


def build_status_card(
    source: Dataset,
    told: Callable[[Say], Sequence[str]],
    identity: ReportIdentity,
    algorithm: Algorithm,
    charset: Charset,
    say: Words = ENGLISH,
) -> Dataset:
    """An RGB Secondary Capture in the study of `source`, whose patient it bears (PS3.3 A.8.1). `told`: the reasons, a
    line each, in the language of the card and, for its header, in English."""
    attributes = SourceAttributes.of(source, charset)
    ds = attributes.new_result()
    parts = (identity.study_instance_uid, algorithm.name, algorithm.version)
    ds.SOPClassUID = SecondaryCaptureImageStorage
    ds.SOPInstanceUID = result_uid(*parts, "status card", str(identity.revision))
    ds.StudyInstanceUID = identity.study_instance_uid
    ds.SeriesInstanceUID = result_uid(*parts, "status card series")
    ds.Modality = "OT"
    ds.ConversionType = "WSD"
    ds.SeriesNumber = OF_STUDY["status"]
    ds.SeriesDescription = series_description(algorithm.name, f" {NOT_ANALYSED}")
    ds.InstanceNumber = max(1, identity.revision)
    attributes.copy_to(ds, SERIES)
    complete_body_part(ds, is_sectional(str(source.SOPClassUID), word(source, "Modality")))
    add_origin(ds, identity, algorithm, encoded)
    ds.ImageType = ["DERIVED", "SECONDARY"]
    ds.ContentQualification = "RESEARCH"
    ds.PatientOrientation = []
    ds.DerivationDescription = plain(
        f"{NOT_ANALYSED} by {algorithm.name} {algorithm.version}. {'. '.join(told(ENGLISH))}"
    )[:1024]
    ds.BurnedInAnnotation = "YES"
    ds.RecognizableVisualFeatures = "NO"
    ds.LossyImageCompression = "00"
    add_pixels(ds, draw_status_card(told(say), algorithm, say))
    add_file_meta(ds)
    return ds


def draw_status_card(lines: Sequence[str], algorithm: Algorithm, say: Words = ENGLISH) -> NDArray[np.uint8]:
    """RGB picture [rows, columns, 3] with `lines`, as `say` has told them, in the middle."""
    middle, room, unit = WIDTH / 2, TEXT_WIDTH * WIDTH, UNIT
    told = [line for one in lines for line in wrapped(one, unit, room)]
    height = round(13 * unit) + LINE * len(told)
    picture = np.empty((height, WIDTH, 3), dtype=np.uint8)
    cv2.rectangle(picture, (0, 0), (WIDTH - 1, height - 1), GROUND, cv2.FILLED)
    verdict = say(NOT_ANALYSED)
    half = text_width(verdict, 1.5 * unit, bold=True) / 2 + unit
    corners = (round(middle - half), round(1.6 * unit)), (round(middle + half), round(4.8 * unit))
    cv2.rectangle(picture, *corners, AMBER, 2, cv2.LINE_AA)
    write(picture, verdict, middle, 4.0 * unit, 1.5 * unit, AMBER, bold=True, align="centre")
    for number, line in enumerate(told):
        write(picture, line, middle, 7.4 * unit + LINE * number, unit, WHITE, align="centre", width_max=room)
    foot = height - 2.2 * unit
    model = say(MODEL, name=algorithm.name, version=algorithm.version)
    write(picture, model, middle, foot - 2.2 * unit, 0.9 * unit, GRAY, align="centre", width_max=room)
    write(picture, say(NOTICE), middle, foot, 1.1 * unit, AMBER, bold=True, align="centre", width_max=room)
    return picture
