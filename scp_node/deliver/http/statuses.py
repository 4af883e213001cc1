"""What the status of an HTTP answer means (RFC 9110 15), and how long it asks us to wait (10.2.3)."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from scp_node.deliver.http.exchange import HttpAnswer
from scp_node.deliver.message_file import comment_of
from scp_node.deliver.outcomes import Row, SendOutcome, Verdict

_SENT, _RETRY, _DEAD = Verdict.SENT, Verdict.RETRY, Verdict.DEAD
STATUSES: dict[int, Row] = {
    400: Row(_DEAD, "http-bad-request", "it does not understand the message"),
    401: Row(_DEAD, "http-unauthorised", "it does not let this node in; look at token or secret"),
    403: Row(_DEAD, "http-forbidden", "it does not let this node send there"),
    404: Row(_DEAD, "http-not-found", "there is nothing at that address; correct url"),
    408: Row(_RETRY, "http-timeout", "it waited too long for the message"),
    409: Row(_DEAD, "http-conflict", "the message contradicts what it has"),
    410: Row(_DEAD, "http-gone", "there is nothing at that address any more; correct url"),
    412: Row(_DEAD, "http-precondition", "it has several of what the message names"),
    413: Row(_DEAD, "http-too-large", "the message is too large for it"),
    415: Row(_DEAD, "http-media-type", "it does not take this kind of message"),
    422: Row(_DEAD, "http-unprocessable", "it does not accept the content of the message"),
    425: Row(_RETRY, "http-too-early", "it asks for the message again"),
    429: Row(_RETRY, "http-too-many", "it gets too many messages"),
}
# By the first digit, for all that the table above does not have.
CLASSES: dict[int, Row] = {
    1: Row(_RETRY, "http-unfinished", "it did not come to an answer"),
    2: Row(_SENT, "taken", "it took the message"),
    3: Row(_DEAD, "http-redirected", "it is elsewhere, where nobody follows it; correct url"),
    4: Row(_DEAD, "http-refused", "it refuses the message"),
    5: Row(_RETRY, "http-server-error", "it failed"),
}
UNKNOWN = Row(_RETRY, "http-unknown", "it answered a status that HTTP does not know")


def row_of(status: int) -> Row:
    return STATUSES.get(status) or CLASSES.get(status // 100, UNKNOWN)


def outcome_of(answer: HttpAnswer, who: str, comment: str, wait_s_max: float, now: datetime) -> SendOutcome:
    row = row_of(answer.status)
    wait_s = retry_after_s(answer.headers.get("retry-after", ""), now) if row.verdict is _RETRY else 0.0
    message = f"{who}: {row.meaning} [HTTP {answer.status}]"
    said = "" if row.verdict is _SENT else comment_of(comment)
    return SendOutcome(row.verdict, row.code, message, None, said, retry_after_s=min(wait_s, wait_s_max))


def retry_after_s(text: str, now: datetime) -> float:
    """Seconds, or the time until a date; 0 where it says neither."""
    try:
        seconds = float(text) if text.strip().isdecimal() else (_date(text) - now).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    return max(0.0, seconds) if math.isfinite(seconds) else 0.0


def _date(text: str) -> datetime:
    found = parsedate_to_datetime(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
