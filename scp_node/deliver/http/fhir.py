"""FHIR R4 servers: a transaction is posted to the base (FHIR R4 http.html#transaction)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from converter.result.messages.table import MESSAGE_KINDS
from scp_node.deliver.capabilities import Capabilities, ProbeStep
from scp_node.deliver.http.exchange import HttpAnswer, request
from scp_node.deliver.http.statuses import outcome_of, row_of
from scp_node.deliver.kind import Destination
from scp_node.deliver.message_file import message_in
from scp_node.deliver.outcomes import PeerFault, SendOutcome, Verdict, not_sent
from scp_node.deliver.part10 import NotPart10, Part10File

KIND = MESSAGE_KINDS["fhir"]
# Of the releases whose DiagnosticReport and Observation these are.
VERSIONS = ("4.0", "4.3")
SENT = {"Content-Type": KIND.media_type, "Accept": KIND.media_type, "Prefer": "return=minimal"}


def accepts(sop_class_uid: str) -> bool:
    return sop_class_uid == KIND.sop_class_uid


def send(to: Destination, file: Part10File) -> SendOutcome:
    who = f"{to.name} ({to.system.where})"
    try:
        answer = request(to, "POST", to.system.url or "", SENT, message_in(file))
        outcome = outcome_of(answer, who, _diagnostics(answer), to.settings.delivery.retry_max_s, datetime.now(UTC))
        if outcome.sent:
            _check(answer)
        return outcome
    except PeerFault as fault:
        return not_sent(fault.code, fault.detail, who=who)
    except NotPart10 as error:
        return not_sent("not-part10", str(error), who=who)


def probe(to: Destination) -> Capabilities:
    """Ask for its capabilities (http.html#capabilities)."""
    found = Capabilities(to.name, f"FHIR at {to.system.where}")
    url = f"{(to.system.url or '').rstrip('/')}/metadata"
    try:
        answer = request(to, "GET", url, {"Accept": KIND.media_type})
    except PeerFault as fault:
        return replace(found, problem=str(fault))
    statement = _json(answer)
    step = ProbeStep("metadata", answer.took_s, f"HTTP {answer.status}")
    found = replace(found, steps=(step,), tls_version=answer.tls_version, certificate=answer.certificate)
    if row_of(answer.status).verdict is not Verdict.SENT:
        return replace(found, problem=f"{row_of(answer.status).meaning} [HTTP {answer.status}]")
    if statement.get("resourceType") != "CapabilityStatement":
        return replace(found, problem="what it has at /metadata is no CapabilityStatement; correct url")
    version = str(statement.get("fhirVersion", ""))[:16]
    if not version.startswith(VERSIONS):
        return replace(found, problem=f"it speaks FHIR {version or 'of no version'}, and messages are R4")
    return replace(found, steps=(replace(step, answer=f"FHIR {version}"),))


def _check(answer: HttpAnswer) -> None:
    """A transaction is taken as a whole or not at all; its answer has a status for each entry. An engine that only
    passes it on may answer nothing. Raises PeerFault."""
    if not answer.body.strip():
        return
    found = _json(answer)
    if found.get("resourceType") == "OperationOutcome" and not _severities(found) & {"fatal", "error"}:
        return
    entries = found.get("entry", [])
    if found.get("resourceType") != "Bundle" or not isinstance(entries, list):
        raise PeerFault("not-fhir")
    statuses = [str(_dict(_dict(entry).get("response")).get("status", "")) for entry in entries]
    if not all(status.startswith("2") for status in statuses):
        raise PeerFault("not-fhir", "not each entry of the transaction was taken")


def _severities(outcome: dict[str, Any]) -> set[str]:
    issues = outcome.get("issue")
    return {str(_dict(one).get("severity")) for one in issues} if isinstance(issues, list) else set()


def _diagnostics(answer: HttpAnswer) -> str:
    """What an OperationOutcome says."""
    issues = _json(answer).get("issue")
    said = [_dict(one) for one in issues] if isinstance(issues, list) else []
    return "; ".join(str(one.get("diagnostics") or _dict(one.get("details")).get("text") or "") for one in said)


def _json(answer: HttpAnswer) -> dict[str, Any]:
    try:
        return _dict(json.loads(answer.body))
    except (ValueError, RecursionError):
        return {}


def _dict(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}
