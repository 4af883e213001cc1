"""A message as a DICOM file, so that it is kept, found again and removed as every other result of its study."""

from __future__ import annotations

from pydicom import Dataset

from converter.result.encode import add_file_meta
from converter.result.findings import Algorithm, ReportIdentity
from converter.result.messages.content import StudyMessage
from converter.result.messages.table import MessageKind
from converter.result.provenance import add_origin, result_uid, series_description
from converter.result.series_numbers import OF_STUDY
from converter.result.source_attributes import SourceAttributes
from converter.result.template import encoded


def message_uid(study_instance_uid: str, route: str, kind: str, system: str, revision: int) -> str:
    """The same for each run that builds the message."""
    return str(result_uid("message", study_instance_uid, route, kind, system, str(revision)))


def kept_message(
    source: Dataset, identity: ReportIdentity, algorithm: Algorithm, kind: MessageKind, message: StudyMessage
) -> Dataset:
    """Patient and study of `source`, and the bytes as an encapsulated document (PS3.3 C.24.2)."""
    ds = SourceAttributes.of(source, "source").new_result()
    ds.SOPClassUID, ds.SOPInstanceUID = kind.sop_class_uid, message.uid
    ds.StudyInstanceUID = identity.study_instance_uid
    ds.SeriesInstanceUID = result_uid("message-series", identity.study_instance_uid, kind.name, message.options.system)
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber = "DOC", OF_STUDY["messages"], identity.revision
    ds.SeriesDescription = series_description(f"{kind.name} message to {message.options.system}")
    add_origin(ds, identity, algorithm, encoded)
    data = kind.write(message)
    ds.MIMETypeOfEncapsulatedDocument, ds.EncapsulatedDocumentLength = kind.media_type, len(data)
    ds.EncapsulatedDocument = data + b"\0" * (len(data) % 2)
    add_file_meta(ds)
    return ds


def message_of(ds: Dataset) -> bytes:
    """The bytes that `kept_message` put there."""
    return bytes(ds.EncapsulatedDocument)[: int(ds.EncapsulatedDocumentLength)]
