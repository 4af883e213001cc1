"""The log: one line an event, no line of a stranger's making, no patient data."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
import pydicom
import pynetdicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian

from scp_node.errors import OutOfResources
from scp_node.telemetry.logs import VALUE_CHARACTERS_MAX, configure_logging

log = logging.getLogger("scp_node.test")

NAME, PATIENT_ID, BIRTH_DATE = "Mustermann^Erika", "PAT-4711-0815", "19640812"


@contextmanager
def logged(format: Literal["text", "json"] = "text", level: Literal["debug", "info"] = "info") -> Iterator[io.StringIO]:
    stream = io.StringIO()
    configure_logging(level, format, stream)
    yield stream


def test_an_event_is_one_line_with_its_fields() -> None:
    with logged() as stream:
        log.info("instance stored", extra={"sop_instance_uid": "1.2.3", "bytes": 12, "source": "pacs 1"})
    line = stream.getvalue()
    assert line.endswith(' INFO scp_node.test instance stored sop_instance_uid=1.2.3 bytes=12 source="pacs 1"\n')
    assert line[10] == "T" and line[23] == "Z"


def test_json_has_the_same_fields_and_cannot_be_overruled_by_them() -> None:
    with logged("json") as stream:
        log.warning("slow", extra={"took_s": 1.5, "event": "other", "path": Path("/x"), "names": ["a", "b"]})
    event = json.loads(stream.getvalue())
    assert event.pop("time").endswith("Z")
    assert event == {
        "level": "warning",
        "logger": "scp_node.test",
        "event": "slow",
        "took_s": 1.5,
        "path": "/x",
        "names": ["a", "b"],
    }


@pytest.mark.parametrize("format", ["text", "json"])
@pytest.mark.parametrize(
    "evil",
    ["A\nB", "A\r\nB", "A\x1b[31mB", "A\u2028B", "A\x85B", "A\x00B", "A\u202eB", "A\ud800B"],
    ids=["LF", "CRLF", "escape", "line-separator", "NEL", "NUL", "right-to-left", "surrogate"],
)
def test_nothing_from_the_network_begins_a_line_or_moves_the_cursor(
    evil: str, format: Literal["text", "json"], monkeypatch: pytest.MonkeyPatch
) -> None:
    with logged(format) as stream:
        # pytest's own handlers would keep the text, and pytest-xdist cannot carry half a character to the terminal
        monkeypatch.setattr(logging.getLogger(), "handlers", logging.getLogger().handlers[-1:])
        log.info(f"association from {evil}", extra={"calling_ae_title": evil})
        log.info("association from %s", evil)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)
    stream.getvalue().encode()


def test_a_value_cannot_pass_for_another_field() -> None:
    with logged() as stream:
        log.info("found", extra={"calling_ae_title": 'A status="0x0000" bytes=1', "called_ae_title": ""})
    assert r'calling_ae_title="A status=\"0x0000\" bytes=1" called_ae_title=""' in stream.getvalue()


def test_long_values_are_cut() -> None:
    with logged() as stream:
        log.info("found", extra={"comment": "x" * 100_000})
    assert len(stream.getvalue()) < VALUE_CHARACTERS_MAX + 200


def test_times_are_utc() -> None:
    record = logging.makeLogRecord({"name": "x", "msg": "x", "created": 1_767_225_599.5})
    with logged():
        formatter = logging.getLogger().handlers[-1].formatter
    assert formatter is not None
    assert formatter.format(record).startswith("2025-12-31T23:59:59.500Z ")


def test_an_exception_shows_type_and_place_and_only_messages_that_are_known_to_be_plain() -> None:
    with logged() as stream:
        try:
            try:
                raise ValueError(f"cannot convert {NAME}")
            except ValueError as error:
                raise OutOfResources("disk full") from error
        except OutOfResources:
            log.exception("instance refused")
    line = stream.getvalue()
    assert line.count("\n") == 1
    assert 'error="OutOfResources: disk full < ValueError"' in line
    assert "telemetry/test_logs.py:" in line
    assert NAME not in line


def test_configuring_twice_does_not_double_the_lines() -> None:
    with logged():
        pass
    with logged("json") as stream:
        log.info("once")
        log.debug("never")
    assert stream.getvalue().count("\n") == 1


def dataset_with_bad_values() -> bytes:
    """A Part 10 file whose identifying values all break the rules of their VR."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SpecificCharacterSet = "ISO 2022 IR 999"
    ds.SOPClassUID = ComputedRadiographyImageStorage
    ds.SOPInstanceUID = "1.2.3"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for keyword, value in (
            ("PatientName", NAME * 9),
            ("PatientID", PATIENT_ID * 9),
            ("PatientBirthDate", f"{BIRTH_DATE}/{NAME}"),
            ("PatientAge", f"{NAME} 61 years"),
            ("AccessionNumber", f"{PATIENT_ID} and more"),
            ("StudyInstanceUID", f"1.2.{PATIENT_ID}"),
        ):
            ds.add_new(keyword, pydicom.datadict.dictionary_VR(keyword), value)
        ds.Rows = ds.Columns = 4
        ds.BitsAllocated = ds.BitsStored = 16
        ds.HighBit, ds.SamplesPerPixel, ds.PixelRepresentation = 15, 1, 0
        ds.PhotometricInterpretation = "MONOCHROME2"
        ds.PixelData = np.zeros((3, 3), np.uint16).tobytes()
        buffer = io.BytesIO()
        ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


@pytest.mark.parametrize("format", ["text", "json"])
def test_reading_a_dataset_with_bad_values_logs_no_name_id_or_birth_date(
    format: Literal["text", "json"], capfd: pytest.CaptureFixture[str]
) -> None:
    with warnings.catch_warnings(), logged(format, "debug") as stream:
        warnings.simplefilter("always")
        ds = pydicom.dcmread(io.BytesIO(dataset_with_bad_values()), force=True)
        for element in ds:
            try:
                str(element.value)
            except ValueError:
                log.exception("value unreadable", extra={"keyword": element.keyword})
        try:
            _ = ds.pixel_array
        except Exception:
            log.exception("pixels unreadable")
        pydicom.misc.warn_and_log(f"The value {NAME} is wrong")
        logging.getLogger("pynetdicom.dimse").exception(ValueError(f"{PATIENT_ID} {BIRTH_DATE}"))
    captured = capfd.readouterr()
    everything = stream.getvalue() + captured.out + captured.err
    assert "pixels unreadable" in everything
    assert "message withheld" in everything
    assert "warning of a library" in everything
    for secret in (NAME, PATIENT_ID, BIRTH_DATE, "Mustermann", "4711"):
        assert secret not in everything


def test_the_libraries_that_quote_data_sets_are_tamed() -> None:
    with logged():
        pass
    assert pydicom.config.settings.reading_validation_mode == pydicom.config.IGNORE
    assert pynetdicom._config.LOG_HANDLER_LEVEL == "none"
    assert pynetdicom._config.LOG_REQUEST_IDENTIFIERS is False
    assert pynetdicom._config.LOG_RESPONSE_IDENTIFIERS is False
    assert logging.getLogger("pynetdicom").getEffectiveLevel() == logging.WARNING
