"""What libraries say about bad values quotes them; none of it reaches the log of receiver or worker."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path
from typing import Any

from pydicom import Dataset

from scp_node.dimse.requests import SUCCESS
from tests.support.dicom.phantoms import make_dx
from tests.support.node.node import running_node
from tests.support.node.receiving import data_set_bytes
from tests.support.peers.ports import free_port
from tests.support.peers.raw_scu import EXPLICIT_LE, RawPeer
from tests.support.waiting import until

DX = "1.2.840.10008.5.1.4.1.1.1.1"
NAME, PATIENT_ID, BIRTH_DATE = "Unmistakable^Name", "UNMISTAKABLE-ID", "19010203"
# Where the name stands in an element of a VR that does not allow it.
DISPLACED = {
    0x00080020: b"DA",
    0x00080030: b"TM",
    0x00100030: b"DA",
    0x00101010: b"AS",
    0x00101020: b"DS",
    0x00181164: b"DS",
    0x00201208: b"IS",
    0x00280301: b"CS",
    0x00281050: b"DS",
    0x00281053: b"DS",
    0x00324000: b"UI",
}


def with_bad_values(seed: int, displaced: dict[int, bytes], **attributes: Any) -> tuple[str, bytes]:
    """SOP Instance UID and data set of a chest image with a patient, and values that break the rules of their VR."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds: Dataset = make_dx(seed=seed, PatientName=NAME, PatientID=PATIENT_ID, **attributes)
        for tag in displaced:
            ds.add_new(tag, "LO", f"{NAME} {BIRTH_DATE}")
        data = data_set_bytes(ds)
    for tag, vr in displaced.items():
        element = struct.pack("<HH", tag >> 16, tag & 0xFFFF)
        assert data.count(element + b"LO") == 1
        data = data.replace(element + b"LO", element + vr)
    return str(ds.SOPInstanceUID), data


def test_data_sets_with_bad_values_leave_no_patient_in_the_log(tmp_path: Path) -> None:
    images = [with_bad_values(40 + index, {tag: vr}) for index, (tag, vr) in enumerate(DISPLACED.items())]
    images.append(with_bad_values(60, DISPLACED))
    uid, data = with_bad_values(61, {}, PatientBirthDate=BIRTH_DATE, SpecificCharacterSet="ISO_IR 100")
    assert data.count(b"ISO_IR 100") == 1
    images.append((uid, data.replace(b"ISO_IR 100", b"ISO_IR 999")))
    images.append(with_bad_values(62, {}, PatientComments=f"{NAME}\x1b[31m\r\n"))
    archives = {"archive": ("NOBODY", free_port())}
    with running_node(tmp_path, archives, logging={"level": "debug"}) as node:
        with RawPeer(node.port) as peer:
            peer.associate([(DX, EXPLICIT_LE)])
            for uid, data in images:
                assert peer.store(data, DX, uid).status == SUCCESS.status
            # and what is refused: a name where a UID belongs, and a data set that ends within the name
            uid, data = images[0]
            study = data.index(b"\x20\x00\x0d\x00UI") + 8
            bad_study = data[:study] + NAME.encode() + data[study + len(NAME) :]
            assert peer.store(bad_study, DX, uid).status == 0xC000
            assert peer.store(data[: data.index(NAME.encode()) + 5], DX, uid).status == 0xC000
            peer.release()
        until(lambda: node.log().count("study reported") >= len(images), "every image was worked on", 120)
        log = node.log()
    assert "instance refused" in log and "instance stored" in log
    for secret in (NAME, "Unmistakable", PATIENT_ID, BIRTH_DATE, "\x1b"):
        assert secret not in log
