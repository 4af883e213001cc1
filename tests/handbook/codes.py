"""Coded reasons, errors and DIMSE statuses, as tables."""

from __future__ import annotations

from collections.abc import Iterator

from converter.declined import DECLINE_REASONS
from scp_node.deliver.dimse.statuses import ACTION_STATUSES, REJECTIONS, STORE_STATUSES, UNKNOWN_STATUS
from scp_node.deliver.http.dicomweb.answers import ANSWERS, UNKNOWN
from scp_node.deliver.outcomes import FAULTS, Verdict
from scp_node.dimse.requests import Answer
from scp_node.dimse.storage_commitment import Reply
from scp_node.receive.access import Rejection
from scp_node.workflow.commitment_book import FAILURE_REASONS
from tests.handbook.code import converter_errors, instances_of, node_errors
from tests.handbook.markdown import table

VERDICTS: dict[Verdict, str] = {
    Verdict.SENT: "sent",
    Verdict.RETRY: "tries again",
    Verdict.DEAD: "dead letter",
    Verdict.CLASS_NOT_ACCEPTED: "sends the same content in another SOP class, if there is one; otherwise a dead letter",
}


def decline_reasons() -> dict[str, tuple[str, str]]:
    """By code: the sentence for a reader of a result, and what an operator can do (empty where nothing)."""
    return {row.code: (row.sentence, row.advice) for row in DECLINE_REASONS}


def decline_codes() -> str:
    """Why an image is not analysed."""
    reasons = decline_reasons()
    rows = [(f"`{code}`", sentence, advice) for code, (sentence, advice) in reasons.items()]
    return table(("code", "meaning", "what helps"), rows)


def error_codes() -> str:
    """What can go wrong, by the code that log, ledger and commands show."""
    rows = [(one.code, _said(one), "yes" if one.retry else "no", str(one.exit_code)) for one in node_errors()]
    rows += [(one.code, _said(one), "no", "") for one in converter_errors()]
    head = ("code", "what happened", "tried again", "exit code")
    return table(head, [(f"`{code}`", *rest) for code, *rest in sorted(rows)])


def store_answers() -> str:
    """What a sender hears of its C-STORE."""
    rows = [("0x0000", "", "The object is on the disk and in the ledger.")]
    for one in sorted(filter(_has_status, node_errors()), key=lambda one: one.dimse_status):
        rows.append((f"0x{one.dimse_status:04X}", f"`{one.code}`", _said(one)))
    return table(("status", "code", "meaning"), rows)


def _has_status(one: type) -> bool:
    return "dimse_status" in vars(one)


def rejections() -> str:
    """How an association is refused; what the sender hears does not tell which check it was."""
    rows = [(one.code, one.reason) for one in sorted(instances_of(Rejection), key=lambda one: one.code)]
    return table(("result/source/reason", "meaning, as the log tells it"), rows)


def commitment_answers() -> str:
    """How a report on storage commitment is answered, and a C-ECHO in a context of something else."""
    found: list[Reply | Answer] = [*instances_of(Reply), *instances_of(Answer)]
    answers = {(one.status, one.comment) for one in found}
    rows = [(f"0x{status:04X}", comment or "entered") for status, comment in sorted(answers)]
    return table(("status", "meaning"), rows)


def archive_statuses() -> str:
    """What an archive may answer to a C-STORE of ours."""
    rows = [
        (_span(first, last), VERDICTS[row.verdict], f"`{row.code}`", row.meaning) for first, last, row in STORE_STATUSES
    ]
    rows.append(("any other", VERDICTS[UNKNOWN_STATUS.verdict], f"`{UNKNOWN_STATUS.code}`", UNKNOWN_STATUS.meaning))
    return table(("status", "Hilum", "code", "meaning"), rows)


def stow_answers() -> str:
    """What an archive may answer to a STOW-RS of ours."""
    what = {"http": "HTTP {}", "failure": "failure reason {}", "warning": "warning reason {}"}
    rows = []
    for kind, first, last, row in ANSWERS:
        span = _span(first, last) if kind != "http" else f"{first}" if first == last else f"{first} to {last}"
        rows.append((what[kind].format(span), VERDICTS[row.verdict], f"`{row.code}`", row.meaning))
    rows += [
        (what[kind].format("that is none of these"), VERDICTS[row.verdict], f"`{row.code}`", row.meaning)
        for kind, row in UNKNOWN.items()
    ]
    return table(("answer", "Hilum", "code", "meaning"), rows)


def archive_faults() -> str:
    """Why a destination was not reached, or why an object cannot go there."""
    rejected = {code: "/".join(map(str, key)) for key, code in reversed(REJECTIONS.items())}
    rows = [
        (
            f"`{code}`",
            VERDICTS[row.verdict],
            row.meaning + (f" (A-ASSOCIATE-RJ {rejected[code]})" if code in rejected else ""),
        )
        for code, row in FAULTS.items()
    ]
    return table(("code", "Hilum", "meaning and what to do"), rows)


def commitment_refusals() -> str:
    """What an archive answers that does not take a request for storage commitment."""
    return table(("status", "meaning"), [(f"0x{status:04X}", meaning) for status, meaning in ACTION_STATUSES.items()])


def commitment_failures() -> str:
    """Why an archive does not commit an object, and what Hilum does then."""
    rows = [(f"0x{reason:04X}", meaning, remedy.value) for reason, (meaning, remedy) in FAILURE_REASONS.items()]
    return table(("failure reason", "meaning", "the result is"), rows)


def _span(first: int, last: int) -> str:
    return f"0x{first:04X}" if first == last else f"0x{first:04X} to 0x{last:04X}"


def _said(one: type) -> str:
    return " ".join((one.__doc__ or "").split("\n\n")[0].split())


def all_codes() -> Iterator[str]:
    """Every code that a reader of log, ledger or result may meet."""
    yield from decline_reasons()
    yield from (one.code for one in node_errors())
    yield from (one.code for one in converter_errors())
    yield from FAULTS
    yield from (row.code for _, _, row in STORE_STATUSES)
    yield from (row.code for _, _, _, row in ANSWERS)
    yield from (row.code for row in UNKNOWN.values())
