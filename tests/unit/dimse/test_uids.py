"""The UIDs that the node names are those of the standard, and a UID is told from what only looks like one."""

from __future__ import annotations

import pytest
from pydicom.uid import UID

from scp_node.dimse import uids
from scp_node.dimse.uids import UID_CHARACTERS_MAX, is_uid, is_uid_as_sent


@pytest.mark.parametrize(
    ("uid", "name"),
    [
        (uids.APPLICATION_CONTEXT_NAME, "DICOM Application Context Name"),
        (uids.VERIFICATION, "Verification SOP Class"),
        (uids.STUDY_ROOT_FIND, "Study Root Query/Retrieve Information Model - FIND"),
        (uids.STUDY_ROOT_MOVE, "Study Root Query/Retrieve Information Model - MOVE"),
        (uids.STORAGE_COMMITMENT, "Storage Commitment Push Model SOP Class"),
        (uids.COMMITMENT_INSTANCE, "Storage Commitment Push Model SOP Instance"),
        (uids.COMPREHENSIVE_SR, "Comprehensive SR Storage"),
        (uids.COMPREHENSIVE_3D_SR, "Comprehensive 3D SR Storage"),
        (uids.IMPLICIT_LE, "Implicit VR Little Endian"),
        (uids.EXPLICIT_LE, "Explicit VR Little Endian"),
        (uids.DEFLATED_EXPLICIT_LE, "Deflated Explicit VR Little Endian"),
        (uids.EXPLICIT_BE, "Explicit VR Big Endian"),
    ],
)
def test_a_uid_has_the_name_that_the_standard_gives_it(uid: str, name: str) -> None:
    assert UID(uid).name.startswith(name)


def test_every_uid_of_the_module_is_one() -> None:
    named = [value for name, value in vars(uids).items() if name.isupper() and isinstance(value, str)]
    assert len(named) == 12 and all(map(is_uid, named))


LONGEST = "1." + "2" * (UID_CHARACTERS_MAX - 2)
UIDS = ["0", "1", "1.2", "1.0.3", "0.0", "2.25.340282366920938463463374607431768211455", LONGEST]
OTHERS = [
    "",
    ".",
    "1.",
    ".1",
    "1..2",
    "01",
    "1.02",
    "1.2\0",
    "1.2\n",
    "1.2 ",
    "1.2.x",
    "../..",
    "1/2",
    "１",
    LONGEST + "2",
]


@pytest.mark.parametrize("value", UIDS)
def test_components_of_digits_are_a_uid(value: str) -> None:
    assert is_uid(value)


@pytest.mark.parametrize("value", [*UIDS, "01.2", "1.02.0003", "1.2.", "1..2", "1" * 64])
def test_digits_and_dots_are_taken_for_one(value: str) -> None:
    assert is_uid_as_sent(value)


@pytest.mark.parametrize("value", ["", "../..", "1.2\n", "1.2 ", "1.2.x", "1/2", "１", "1" * 65])
def test_nothing_else_is_taken_for_one(value: str) -> None:
    assert not is_uid_as_sent(value)


@pytest.mark.parametrize("value", OTHERS)
def test_nothing_else_is_a_uid(value: str) -> None:
    assert not is_uid(value)
