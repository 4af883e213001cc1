"""Who made a result and when: UIDs, equipment and times, all derived from the inputs."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import NamedTuple

from pydicom import Dataset
from pydicom.sr.coding import Code
from pydicom.uid import UID

from converter.product import DESCRIPTION_END, DESCRIPTION_START, MANUFACTURER, MODEL_NAME, UUID_NAMESPACE
from converter.result import coding
from converter.result.findings import Algorithm, Finding, ReportIdentity
from converter.result.template import Make, Values
from converter.result.verdict import verdict_on
from converter.result.wording import plain

LONG_STRING_MAX = 64  # of a LO (PS3.5 6.2)


def result_uid(*parts: str) -> UID:
    """A UID that the same parts always give: 2.25 and the decimal value of a UUID (PS3.5 B.2)."""
    return UID(f"2.25.{uuid.uuid5(uuid.UUID(UUID_NAMESPACE), '|'.join(parts)).int}")


def device_uid(ae_title: str, model_label: str) -> UID:
    """The UID of this node running this version of a model: the same for every result that the two make."""
    return result_uid("device", ae_title, model_label)


def series_description(subject: str, detail: str = "") -> str:
    """What a list of thumbnails shows, in words by which this node recognises its own results; at most 64 characters
    (LO), of which `subject` is cut before `detail`."""
    room = LONG_STRING_MAX - len(DESCRIPTION_START) - len(DESCRIPTION_END) - 1
    detail = plain(detail)[:room]
    subject = plain(subject)[: room - len(detail)].rstrip()
    return f"{DESCRIPTION_START}{subject}{detail} {DESCRIPTION_END}"


def heatmap_description(finding: Finding, film: str) -> str:
    """Series Description of the heat map of `finding` on the film of that name: "AI Pneumonia PRESENT 96.4 % - AP 1
    (research)". By it a report knows which finding a heat map illustrates."""
    verdict = verdict_on(finding)
    return series_description(verdict.finding, f" {verdict.call} {verdict.percent} % - {film}")


def algorithm_version(algorithm: Algorithm) -> str:
    """Version and weights in one word, as semantic versioning writes build metadata."""
    return f"{algorithm.version}+sha256.{algorithm.weights_sha256}"


class Maker(NamedTuple):
    """Kind of the equipment and times of a result."""

    algorithm: Algorithm
    device_uid: str
    station_name: str


def add_origin(ds: Dataset, identity: ReportIdentity, algorithm: Algorithm, make: Make) -> None:
    """Equipment, and the times of the ledger's record. `ds` has its time zone by now, if it declares one."""
    created_at = _created_at(ds, identity)
    values = {
        "date": created_at.strftime("%Y%m%d"),
        "time": created_at.strftime("%H%M%S.%f"),
        "moment": created_at.strftime("%Y%m%d%H%M%S.%f%z"),
    }
    for element in make(origin, Maker(algorithm, identity.device_uid, identity.station_name), values):
        ds[element.tag] = element


def origin(maker: Maker, values: Values) -> Dataset:
    """General and Enhanced General Equipment, the contributing equipment, creation and content times (PS3.3 C.7.5.1,
    C.7.5.2, C.12.1)."""
    algorithm = maker.algorithm
    ds, contribution = Dataset(), Dataset()
    for equipment in (ds, contribution):
        equipment.Manufacturer = MANUFACTURER
        equipment.ManufacturerModelName = MODEL_NAME
        equipment.DeviceSerialNumber = maker.device_uid
        equipment.SoftwareVersions = [
            plain(f"{algorithm.name} {algorithm.version}")[:64],
            weights_stated(algorithm.weights_sha256),
        ]
        equipment.StationName = plain(maker.station_name)[:16]
    contribution.PurposeOfReferenceCodeSequence = [code_item(coding.PROCESSING_EQUIPMENT)]
    contribution.ContributionDateTime = values["moment"]
    contribution.ContributionDescription = plain(
        f"{algorithm.name} {algorithm.version} by {algorithm.manufacturer}, research use"
    )[:1024]
    ds.ContributingEquipmentSequence = [contribution]
    ds.InstanceCreationDate, ds.InstanceCreationTime = values["date"], values["time"]
    ds.ContentDate, ds.ContentTime = values["date"], values["time"]
    return ds


def weights_stated(sha256: str) -> str:
    """What a result says of the weights of its model, behind name and version in Software Versions (0018,1020)."""
    return f"weights sha256 {sha256[:32]}"


def code_item(code: Code) -> Dataset:
    """The code as an item of a code sequence (PS3.3 8.8)."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme_designator, code.meaning
    return item


def _created_at(ds: Dataset, identity: ReportIdentity) -> datetime:
    """In the zone that the result declares, which is that of its times (PS3.3 C.12.1.1.8), else in the record's own."""
    offset = ds.get("TimezoneOffsetFromUTC")
    if not offset or identity.created_at.tzinfo is None:
        return identity.created_at
    return identity.created_at.astimezone(datetime.strptime(offset, "%z").tzinfo)
