"""STOW-RS: one result a request, sent as it is read from the disk. The answer has to name the result as stored."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from scp_node.deliver.capabilities import Capabilities, ProbeStep
from scp_node.deliver.http.dicomweb.answers import ACCEPTED, OK, row_of
from scp_node.deliver.http.dicomweb.dicom_json import MEDIA_TYPE, Item, items_in, number, sequence, text
from scp_node.deliver.http.exchange import PIECE_BYTES, HttpAnswer, StreamedBody, request
from scp_node.deliver.http.statuses import retry_after_s
from scp_node.deliver.kind import Destination
from scp_node.deliver.message_file import comment_of
from scp_node.deliver.outcomes import PeerFault, Row, SendOutcome, Verdict, not_sent
from scp_node.deliver.part10 import Part10File
from scp_node.deliver.result_objects import RESULT_CLASSES

REFERENCED, FAILED, SOP_INSTANCE = "00081199", "00081198", "00081155"
FAILURE_REASON, WARNING_REASON = "00081197", "00081196"


def accepts(sop_class_uid: str) -> bool:
    """Whether results of this class are sent; what an archive takes of them, it says itself."""
    return sop_class_uid in RESULT_CLASSES


def send(to: Destination, file: Part10File) -> SendOutcome:
    """One request with one part. Raises OSError when the file is there but cannot be read."""
    who = f"{to.name} ({to.system.where})"
    boundary = uuid.uuid4().hex
    headers = {
        "Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}',
        "Accept": MEDIA_TYPE,
    }
    try:
        answer = request(to, "POST", address(to, "studies"), headers, _body(file, boundary))
        return _outcome(to, who, answer, file.sop_instance_uid)
    except PeerFault as fault:
        return not_sent(fault.code, fault.detail, who=who)


def probe(to: Destination) -> Capabilities:
    """Ask for one study (QIDO-RS, PS3.18 10.6): which SOP classes it takes, nobody can ask."""
    found = Capabilities(to.name, f"DICOMweb at {to.system.where}")
    try:
        answer = request(to, "GET", f"{address(to, 'studies')}?limit=1", {"Accept": MEDIA_TYPE})
    except PeerFault as fault:
        return replace(found, problem=str(fault))
    step = ProbeStep("QIDO-RS", answer.took_s, f"HTTP {answer.status}")
    found = replace(found, steps=(step,), tls_version=answer.tls_version, certificate=answer.certificate)
    if answer.status // 100 != 2:
        return replace(found, problem=f"{row_of('http', answer.status).meaning} [HTTP {answer.status}]")
    return found if items_in(answer.body) is not None else replace(found, problem=str(PeerFault("not-dicomweb")))


def address(to: Destination, path: str) -> str:
    """Of a resource of its service."""
    return f"{(to.system.url or '').rstrip('/')}/{path}"


def _body(file: Part10File, boundary: str) -> StreamedBody:
    """The file as the only part (RFC 2387); its length is that of the disk now."""
    head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    tail = f"\r\n--{boundary}--\r\n".encode()
    size = file.dataset_offset + file.dataset_bytes

    def pieces() -> Iterator[bytes]:
        yield head
        left = size
        with file.path.open("rb") as opened:
            while left:
                piece = opened.read(min(PIECE_BYTES, left))
                if not piece:
                    raise OSError(f"{file.path.name} has become shorter")
                left -= len(piece)
                yield piece
        yield tail

    return StreamedBody(len(head) + size + len(tail), pieces())


def _outcome(to: Destination, who: str, answer: HttpAnswer, uid: str) -> SendOutcome:
    """By what it says of the instance, else by its HTTP status. Raises PeerFault where it says that all is well, and
    does not name the instance as stored."""
    found = items_in(answer.body)
    row, reason = _named(found or [], uid) or (row_of("http", answer.status), None)
    if row.verdict is Verdict.SENT and reason is None and answer.status in (OK, ACCEPTED):
        raise PeerFault("not-dicomweb", "it does not name the object as stored")
    wait_s = retry_after_s(answer.headers.get("retry-after", ""), datetime.now(UTC))
    status = f"status 0x{reason:04X}, HTTP {answer.status}" if reason else f"HTTP {answer.status}"
    return SendOutcome(
        row.verdict,
        row.code,
        f"{who}: {row.meaning} [{status}]",
        reason or None,
        comment_of(answer.text) if row.verdict is not Verdict.SENT and found is None else "",
        retry_after_s=min(wait_s, to.settings.delivery.retry_max_s) if row.verdict is Verdict.RETRY else 0.0,
    )


def _named(items: Sequence[Item], uid: str) -> tuple[Row, int] | None:
    """What the answer says of this instance, and the reason that it gives: 0 for none."""
    for item in items:
        for one in sequence(item, FAILED):
            if text(one, SOP_INSTANCE) == uid:
                reason = number(one, FAILURE_REASON) or 0
                return row_of("failure", reason), reason
        for one in sequence(item, REFERENCED):
            if text(one, SOP_INSTANCE) == uid:
                warning = number(one, WARNING_REASON)
                return (row_of("warning", warning), warning) if warning else (row_of("http", OK), 0)
    return None
