"""A message in its file: the bytes come back as they were, beside the patient and study they are about."""

from __future__ import annotations

from io import BytesIO

import pytest
from pydicom import dcmread

from converter.result.encode import to_bytes
from converter.result.messages.kept import kept_message, message_of
from converter.result.messages.table import MESSAGE_KINDS, MessageKind
from tests.support.dicom.sources import cr_japanese
from tests.support.results.messages import a_film, a_message
from tests.support.results.reports import ALGORITHM, an_identity


@pytest.mark.parametrize("kind", MESSAGE_KINDS.values(), ids=MESSAGE_KINDS)
def test_the_bytes_come_back_and_a_second_file_is_the_same(kind: MessageKind) -> None:
    source = cr_japanese()
    message = a_message([a_film(source)])
    files = [
        to_bytes(kept_message(source, an_identity(source.StudyInstanceUID), ALGORITHM, kind, message)) for _ in range(2)
    ]
    assert files[0] == files[1]
    ds = dcmread(BytesIO(files[0]))
    assert message_of(ds) == kind.write(message)
    assert (ds.PatientID, ds.StudyInstanceUID) == (source.PatientID, source.StudyInstanceUID)
    assert ds.file_meta.MediaStorageSOPClassUID == kind.sop_class_uid
