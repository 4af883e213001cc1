"""Webhooks: JSON by POST, signed so that the receiver knows who sent it and that it is not an old one sent again.

The signature is that of Standard Webhooks 1.0.0 (symmetric): HMAC-SHA256 over id, time and body, joined by dots.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import replace
from datetime import UTC, datetime

from converter.result.messages.table import MESSAGE_KINDS
from converter.result.messages.webhook import VERSION
from scp_node.deliver.capabilities import Capabilities, ProbeStep
from scp_node.deliver.http.exchange import request
from scp_node.deliver.http.statuses import outcome_of
from scp_node.deliver.kind import Destination
from scp_node.deliver.message_file import message_in
from scp_node.deliver.outcomes import PeerFault, SendOutcome, not_sent
from scp_node.deliver.part10 import NotPart10, Part10File

KIND = MESSAGE_KINDS["webhook"]
SECRET_PREFIX = "whsec_"


def accepts(sop_class_uid: str) -> bool:
    return sop_class_uid == KIND.sop_class_uid


def send(to: Destination, file: Part10File) -> SendOutcome:
    """The id is that of the message: who gets it twice takes the second for a repetition."""
    who = f"{to.name} ({to.system.where})"
    try:
        body = message_in(file)
        answer = request(to, "POST", to.system.url or "", _headers(to, file.sop_instance_uid, body), body)
    except PeerFault as fault:
        return not_sent(fault.code, fault.detail, who=who)
    except NotPart10 as error:
        return not_sent("not-part10", str(error), who=who)
    return outcome_of(answer, who, answer.text, to.settings.delivery.retry_max_s, datetime.now(UTC))


def probe(to: Destination) -> Capabilities:
    """A signed message of the type "ping", without a study."""
    found = Capabilities(to.name, f"webhook at {to.system.where}")
    body = json.dumps({"type": "ping", "version": VERSION, "node": to.settings.node.ae_title}).encode()
    try:
        answer = request(to, "POST", to.system.url or "", _headers(to, f"ping-{time.time_ns()}", body), body)
    except PeerFault as fault:
        return replace(found, problem=str(fault))
    outcome = outcome_of(answer, to.name, "", 0, datetime.now(UTC))
    return replace(
        found,
        steps=(ProbeStep("ping", answer.took_s, f"HTTP {answer.status}"),),
        tls_version=answer.tls_version,
        certificate=answer.certificate,
        problem="" if outcome.sent else outcome.message.partition(": ")[2],
    )


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """What stands in the header webhook-signature."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(signing_key(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def signing_key(secret: str) -> bytes:
    """The bytes behind whsec_, or those of the text itself."""
    return base64.b64decode(secret.removeprefix(SECRET_PREFIX)) if secret.startswith(SECRET_PREFIX) else secret.encode()


def _headers(to: Destination, message_id: str, body: bytes) -> dict[str, str]:
    timestamp = int(time.time())
    return {
        "Content-Type": KIND.media_type,
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(to.system.secret or "", message_id, timestamp, body),
    }
