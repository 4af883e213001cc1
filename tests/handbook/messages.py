"""Examples of messages: what systems get about a drawn film of no patient, and what their answers mean."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pydicom import Dataset

from converter.declined import Declined
from converter.result.kinds.content import ReportedImage
from converter.result.messages import fhir, hl7, webhook
from converter.result.messages.content import StudyMessage
from scp_node.deliver.hl7.acknowledgement import CODES, FINAL_ERRORS
from scp_node.deliver.http.statuses import CLASSES, STATUSES
from scp_node.deliver.outcomes import Row
from tests.handbook.codes import VERDICTS
from tests.handbook.markdown import table
from tests.support.results.messages import a_film, a_message

STUDY, SERIES = "2.25.100", "2.25.101"


def example() -> StudyMessage:
    """An AP film with pneumonia in the right lower zone, and a lateral one that was not analysed."""
    lateral = ReportedImage("2.25.103", _film(2, "LL"), declined=Declined("not-frontal", "View Position is LL"))
    return a_message([a_film(_film(1, "AP"), 0.9612), lateral], receiving_application="RIS")


def _film(number: int, view: str) -> Dataset:
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1.1", f"2.25.{101 + number}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.Modality = STUDY, SERIES, "DX"
    ds.PatientID, ds.PatientName, ds.PatientBirthDate, ds.PatientSex = "P-1", "Muster^Kim", "20210314", "O"
    ds.AccessionNumber, ds.StudyDate, ds.StudyTime = "A-1", "20261101", "101112"
    ds.InstanceNumber, ds.ViewPosition, ds.Rows, ds.Columns = number, view, 512, 448
    return ds


def message_hl7() -> str:
    return f"```text\n{hl7.write(example()).decode().replace(chr(13), chr(10))}```"


def message_fhir() -> str:
    """The report alone: the observations are as its `conclusion` says."""
    report = fhir.bundle(example())["entry"][0]["resource"]
    return f"```json\n{json.dumps(report, indent=2, ensure_ascii=False)}\n```"


def message_webhook() -> str:
    return f"```json\n{json.dumps(json.loads(webhook.write(example())), indent=2, ensure_ascii=False)}\n```"


def hl7_answers() -> str:
    rows = [*CODES.items(), *((f"AE or AR, with error {code}", row) for code, row in FINAL_ERRORS.items())]
    return table(("answer", "what it means", "what follows"), _rows(rows))


def http_answers() -> str:
    rows = [(str(status), row) for status, row in STATUSES.items()]
    rows += [(f"any other {first}xx", row) for first, row in CLASSES.items()]
    return table(("status", "what it means", "what follows"), _rows(rows))


def _rows(rows: list[tuple[str, Row]]) -> Iterator[tuple[str, str, str]]:
    for said, row in rows:
        yield said, f"{row.meaning} (`{row.code}`)", VERDICTS[row.verdict]
