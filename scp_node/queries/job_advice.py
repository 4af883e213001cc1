"""What a person can do about a job that failed, by the words in which it ended."""

from __future__ import annotations

from scp_node.deliver.outcomes import FAULTS, PLACE, Verdict
from scp_node.engine.jobs import CANCELLED
from scp_node.errors import (
    DecodeFailed,
    DecodeTimedOut,
    DeliveryRefused,
    InferenceFailed,
    InvalidScore,
    ModelMissing,
    ModelUnusable,
    Removed,
    UsageError,
)
from scp_node.ledger.records import JobKind

# The first words that are found count.
_BY_WORDS: tuple[tuple[str, str], ...] = (
    (CANCELLED, "A person took it out of the queue. Retry it when it is wanted after all."),
    ("no longer configured", "Enter the destination or route in the configuration again, or cancel what waits for it."),
    (f"{Removed.code}:", "Its file was removed by retention: send the image again from the archive."),
    (f"{ModelMissing.code}:", "Put the model package in place ('hilum models add'), then retry."),
    (f"{ModelUnusable.code}:", "The model package is damaged or altered: put it in place again, then retry."),
    (
        f"{DecodeTimedOut.code}:",
        "Decoding takes too long: raise inference.decode_timeout_s, then retry.",
    ),
    (f"{DecodeFailed.code}:", "The image cannot be decoded here. Retrying helps only after an update."),
    (f"{InvalidScore.code}:", "The model gave no number for this image. Tell its maker."),
    (f"{InferenceFailed.code}:", "Look at the log of the worker and at memory and provider; then retry."),
    ("unknown-destination", "Enter the destination in the configuration again, then retry."),
    (f"{DeliveryRefused.code}:", "The archive refused it for good: mend what it names there, then retry."),
    (f"{UsageError.code}:", "What the job names is not in the configuration any more."),
)
_REACHING = tuple(row.meaning.partition(PLACE)[0] for row in FAULTS.values() if row.verdict is Verdict.RETRY)
_REACHED = "Call the remote AE with C-ECHO. When it answers well, retry all of this cause."
_BY_KIND: dict[JobKind, str] = {
    "image": "Look at the log of the worker, then retry.",
    "study": "Look at the log of the worker, then retry: results that are there already are not made twice.",
    "delivery": "The archive answered this: mend it there, then retry all of this cause.",
    "commitment": "The result was sent all the same. Retry to have the archive asked again.",
    "shadow": "The second model only; nothing waits for it.",
}


def advice(kind: JobKind, error: str) -> str:
    """One or two sentences; always something."""
    for words, text in _BY_WORDS:
        if words in error:
            return text
    if any(meaning in error for meaning in _REACHING):
        return _REACHED
    return _BY_KIND[kind]
