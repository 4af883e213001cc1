"""A report names every image as its sender did, however little of its header can be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest

from scp_node.decode.pool import DecodePool
from scp_node.intake.file_meta import file_head
from scp_node.ledger import InstanceRow
from scp_node.reporting.content import header_or_stub
from tests.support.dicom.encoded import CLASS, EXPLICIT, Written, encode, identity


class Known:
    """What the ledger knows."""

    sop_class_uid, sop_instance_uid = CLASS, "1.2.3.4"
    study_instance_uid, series_instance_uid = "1.02.5", "1.2.6"


@pytest.fixture(scope="module")
def pool() -> Iterator[DecodePool]:
    with closing(DecodePool(1)) as one:
        yield one


JUNK = b"\x08\0\xfe\x0f?!\0\1" + b"\r\n" * 300


@pytest.mark.parametrize(
    "data",
    [
        b"",
        JUNK,
        JUNK + encode(identity()) + JUNK,
        encode(identity()[:2]) + JUNK,
        encode([*identity()[:2], Written(0x00100020, b"LO", b"P1")]),
        encode(identity())[:-3],
    ],
)
def test_an_image_is_named_by_what_the_ledger_knows(tmp_path: Path, pool: DecodePool, data: bytes) -> None:
    path = tmp_path / "image.dcm"
    path.write_bytes(file_head(CLASS, "1.2.3.4", EXPLICIT) + data)
    ds = header_or_stub(cast(InstanceRow, Known), path, pool)
    assert (ds.SOPClassUID, ds.SOPInstanceUID) == (CLASS, "1.2.3.4")
    assert ds.StudyInstanceUID in ("1.02.5", "1.2.5") and ds.SeriesInstanceUID.startswith("1.2")
    if b"P1" in data:
        assert ds.PatientID == "P1"
