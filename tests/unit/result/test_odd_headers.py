"""A header value that no reader understands costs a descriptor, never the report of the study."""

import pytest
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag
from pydicom.uid import Comprehensive3DSRStorage

from converter.result.structured_report import build_structured_report
from tests.support.dicom.sources import as_read, dx_full
from tests.support.results.reports import a_study_report, an_image
from tests.support.results.result_assertions import report_problems

ODD = (
    ("ImagerPixelSpacing", b"0,14\\0,14 "),
    ("ImagerPixelSpacing", b"-1\\0.14 "),
    ("ImagerPixelSpacing", b"NaN\\inf "),
    ("PixelSpacing", b"\xff\xfe"),
    ("PatientOrientation", b"\xff\\\xfe "),
    ("PatientOrientation", b"L\\\\F "),
    ("Modality", b"\xc4\xd6"),
    ("SeriesNumber", b"one "),
    ("InstanceNumber", b"1.5 "),
    ("ImageLaterality", b"\x00\x01"),
)


@pytest.mark.parametrize(("keyword", "value"), ODD)
def test_an_odd_header_value_does_not_stop_the_report(keyword: str, value: bytes) -> None:
    source = as_read(dx_full())
    tag = BaseTag(tag_for_keyword(keyword) or 0)
    image = an_image(source)
    source[tag] = RawDataElement(tag, dictionary_VR(tag), len(value), value, 0, False, True)
    report = a_study_report([image], heatmaps=False)
    sr = build_structured_report(report, Comprehensive3DSRStorage, "source")
    assert report_problems(sr, [source]) == []
