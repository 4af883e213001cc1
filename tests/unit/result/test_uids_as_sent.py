"""A source whose UIDs begin with zeros is referenced as it is: its results are built, and tell the same study."""

from __future__ import annotations

from io import BytesIO

import pytest
from pydicom import Dataset, dcmread
from pydicom.config import disable_value_validation
from pydicom.uid import Comprehensive3DSRStorage

from converter.result.encode import to_bytes
from converter.result.structured_report import build_structured_report
from tests.support.dicom.sources import as_read, dx_full
from tests.support.results.report_content import referenced
from tests.support.results.reports import a_heatmap, a_study_report, an_image

INSTANCE, STUDY, SERIES = "1.02.003", "1.04.005", "999.999.01"


@pytest.fixture
def source() -> Dataset:
    with disable_value_validation():
        ds = dx_full()
        ds.SOPInstanceUID, ds.StudyInstanceUID, ds.SeriesInstanceUID = INSTANCE, STUDY, SERIES
        return as_read(ds)


def test_the_report_speaks_of_the_uids_as_they_are(source: Dataset) -> None:
    report = a_study_report([an_image(source)], heatmaps=False)
    sr = dcmread(BytesIO(to_bytes(build_structured_report(report, Comprehensive3DSRStorage, "source"))))
    with disable_value_validation():
        assert sr.StudyInstanceUID == STUDY
        assert INSTANCE in referenced(sr)
        evidence = sr.CurrentRequestedProcedureEvidenceSequence[0]
        assert evidence.StudyInstanceUID == STUDY
        assert evidence.ReferencedSeriesSequence[0].SeriesInstanceUID == SERIES
        assert evidence.ReferencedSeriesSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == INSTANCE


def test_the_heat_map_is_derived_from_the_uid_as_it_is(source: Dataset) -> None:
    sc = dcmread(BytesIO(to_bytes(a_heatmap(an_image(source)))))
    with disable_value_validation():
        assert (sc.StudyInstanceUID, sc.SourceImageSequence[0].ReferencedSOPInstanceUID) == (STUDY, INSTANCE)
