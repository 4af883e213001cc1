"""The one-page report as an Encapsulated PDF of the study (PS3.3 A.45.1)."""

from __future__ import annotations

from collections.abc import Iterable

from pydicom import Dataset
from pydicom.uid import EncapsulatedPDFStorage

from converter.result.coding import IMAGING_MEASUREMENT_REPORT
from converter.result.encode import add_file_meta
from converter.result.findings import Algorithm, ReportIdentity
from converter.result.provenance import add_origin, code_item, result_uid, series_description
from converter.result.series_numbers import OF_STUDY
from converter.result.source_attributes import SourceAttributes
from converter.result.template import encoded
from converter.result.wording import plain

MIME_TYPE = "application/pdf"


def build_encapsulated_pdf(
    pdf: bytes, title: str, sr: Dataset, sources: Iterable[Dataset], identity: ReportIdentity, algorithm: Algorithm
) -> Dataset:
    """The document `pdf` in the study of the report `sr`, whose patient and study it bears.

    `sources`: headers of the images that the report speaks of, which the document refers to (PS3.3 C.24.2).
    """
    sources = list(sources)
    ds = SourceAttributes.of(sr, "source").new_result()
    study, model = identity.study_instance_uid, (algorithm.name, algorithm.version)
    images = ",".join(str(source.SOPInstanceUID) for source in sources)
    ds.SOPClassUID = EncapsulatedPDFStorage
    ds.SOPInstanceUID = result_uid(study, images, *model, "pdf", str(identity.revision))
    ds.StudyInstanceUID = study
    # every revision joins the same series, as those of the Structured Report do
    ds.SeriesInstanceUID = result_uid(study, *model, "pdf series")
    ds.Modality, ds.ConversionType = "DOC", "SYN"
    ds.SeriesNumber, ds.InstanceNumber = OF_STUDY["pdf"], max(1, identity.revision)
    ds.SeriesDescription = series_description(f"{algorithm.name} page")
    add_origin(ds, identity, algorithm, encoded)
    ds.AcquisitionDateTime = None
    ds.BurnedInAnnotation, ds.RecognizableVisualFeatures = "YES", "NO"
    ds.SourceInstanceSequence = [_reference(source) for source in sources]
    ds.DocumentTitle = plain(title)[:1024]
    ds.ConceptNameCodeSequence = [code_item(IMAGING_MEASUREMENT_REPORT)]
    ds.VerificationFlag = "UNVERIFIED"
    ds.MIMETypeOfEncapsulatedDocument = MIME_TYPE
    ds.EncapsulatedDocumentLength = len(pdf)
    ds.add_new("EncapsulatedDocument", "OB", pdf + b"\0" * (len(pdf) % 2))
    add_file_meta(ds)
    return ds


def document_in(ds: Dataset) -> bytes:
    """The PDF, without the byte that makes its length even (PS3.3 C.24.2)."""
    return bytes(ds.EncapsulatedDocument)[: int(ds.get("EncapsulatedDocumentLength") or len(ds.EncapsulatedDocument))]


def _reference(source: Dataset) -> Dataset:
    """SOP Instance Reference Macro (PS3.3 table 10-11)."""
    reference = Dataset()
    reference.ReferencedSOPClassUID = source.SOPClassUID
    reference.ReferencedSOPInstanceUID = source.SOPInstanceUID
    return reference
