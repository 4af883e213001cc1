"""WADO-RS: the instances of one study, fetched from an archive into the intake (PS3.18 10.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from scp_node.deliver.http.dicomweb.answers import row_of
from scp_node.deliver.http.dicomweb.storing import address
from scp_node.deliver.http.exchange import OpenAnswer, answer_to
from scp_node.deliver.kind import Destination
from scp_node.deliver.outcomes import PeerFault
from scp_node.dimse.requests import SUCCESS
from scp_node.intake.dicomweb.incoming_file import FileAnswer, Offer
from scp_node.intake.dicomweb.incoming_files import IncomingFiles
from scp_node.intake.dicomweb.related_parts import MalformedBody, RelatedParts, boundary_of, media_type
from scp_node.intake.store import Requestor, Store
from scp_node.intake.terms import classes_taken
from scp_node.settings import Settings
from scp_node.settings.web import SENDER_CHARS_MAX, WADO_TITLE

# Whatever transfer syntax it is kept in: else an archive may decode it (PS3.18 8.7.3.3).
HEADERS: Mapping[str, str] = {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}


@dataclass(frozen=True)
class FetchLimits:
    """Of one study: instances, and bytes of the whole answer."""

    instances_max: int = 5000
    bytes_max: int = 8 * 1024**3


@dataclass(frozen=True)
class Fetched:
    """What each instance came to that was read. `code` and `why` say what ended the fetching before its end; empty
    where all came that the archive has."""

    answers: tuple[FileAnswer, ...] = ()
    code: str = ""
    why: str = ""

    @property
    def stored(self) -> tuple[str, ...]:
        """SOP Instance UIDs of what is durable now."""
        return tuple(one.sop_instance_uid for one in self.answers if one.answer.status == SUCCESS.status)

    @property
    def is_whole(self) -> bool:
        """Whether each instance that the archive has of the study came, and was stored."""
        return not self.code and len(self.stored) == len(self.answers)


def fetch_study(
    of: Destination, store: Store, settings: Settings, study_instance_uid: str, limits: FetchLimits | None = None
) -> Fetched:
    """Fetch a study from a system of the kind dicomweb. Its instances come from the source that is called as the system
    is; each is durable before the next one is read. The archive has delivery.response_timeout_s to begin, and may not
    be slower than a destination may be.

    What is fetched again changes nothing, so that it may be asked for as a whole after any failure.
    """
    limits = limits or FetchLimits()
    files = IncomingFiles(_offer(of, store, settings, study_instance_uid))
    try:
        with answer_to(of, "GET", address(of, f"studies/{quote(study_instance_uid)}"), HEADERS) as answer:
            code, why = _read(answer, files, limits)
    except PeerFault as fault:
        code, why = fault.code, str(fault)
    finally:
        files.discard()
    return Fetched(tuple(files.answers), code, why)


def _read(answer: OpenAnswer, files: IncomingFiles, limits: FetchLimits) -> tuple[str, str]:
    """Store each part. Returns what ended it before its end. Raises PeerFault."""
    if answer.status != 200:
        row = row_of("http", answer.status)
        return row.code, f"{row.meaning} [HTTP {answer.status}]"
    left = limits.bytes_max
    try:
        boundary = boundary_of(media_type(answer.headers.get("content-type", "")))
        if boundary is None:
            raise PeerFault("not-dicomweb", "it sends no parts")
        parts = RelatedParts(boundary, files, limits.instances_max)
        for piece in answer.pieces():
            left -= len(piece)
            if left < 0:
                return "answer-too-large", f"the study has more than {limits.bytes_max} bytes"
            parts.write(piece)
        parts.finish()
    except MalformedBody as error:
        return "not-dicomweb", str(error)
    return "", ""


def _offer(of: Destination, store: Store, settings: Settings, study_instance_uid: str) -> Offer:
    sender = Requestor(of.name, of.name[:SENDER_CHARS_MAX], WADO_TITLE)
    return Offer(store, sender, classes_taken(settings), settings.receiver.instance_bytes_max, study_instance_uid)
