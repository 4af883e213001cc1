"""QIDO-RS: whether an archive holds one instance (PS3.18 10.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from scp_node.deliver.http.dicomweb.answers import row_of
from scp_node.deliver.http.dicomweb.dicom_json import MEDIA_TYPE, items_in, text
from scp_node.deliver.http.dicomweb.storing import address
from scp_node.deliver.http.exchange import request
from scp_node.deliver.kind import Destination
from scp_node.deliver.outcomes import PeerFault

SOP_INSTANCE = "00080018"
FOUND, NOTHING_FOUND, PART_OF_IT = 200, 204, 206
NO_ANSWER = PeerFault("not-dicomweb")


@dataclass(frozen=True)
class Holding:
    """What an archive says of one instance. `code` and `why` say for what reason it could not be asked; empty where it
    was."""

    state: Literal["held", "not-held", "cannot-ask"]
    code: str = ""
    why: str = ""


def held_by_qido(to: Destination, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str) -> Holding:
    """Ask at the level of instances. An answer counts as "held" only when it names the instance: an archive may not
    know the key, and answer with all of the series. 404 does not count as "not held": a wrong address says the same.
    """
    path = f"studies/{quote(study_instance_uid)}/series/{quote(series_instance_uid)}/instances"
    query = f"?SOPInstanceUID={quote(sop_instance_uid)}"
    try:
        answer = request(to, "GET", address(to, path) + query, {"Accept": MEDIA_TYPE})
    except PeerFault as fault:
        return Holding("cannot-ask", fault.code, str(fault))
    if answer.status not in (FOUND, NOTHING_FOUND, PART_OF_IT):
        row = row_of("http", answer.status)
        return Holding("cannot-ask", row.code, f"{row.meaning} [HTTP {answer.status}]")
    found = items_in(answer.body)
    if found is None:
        return Holding("cannot-ask", NO_ANSWER.code, str(NO_ANSWER))
    is_held = any(text(one, SOP_INSTANCE) == sop_instance_uid for one in found)
    if not is_held and found and (answer.status == PART_OF_IT or not any(text(one, SOP_INSTANCE) for one in found)):
        return Holding("cannot-ask", NO_ANSWER.code, "it answered a part of the series, or other things than instances")
    return Holding("held" if is_held else "not-held")
