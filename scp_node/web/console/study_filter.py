"""What the list of studies is asked for, as its address has it: every filter but those that name a patient."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, get_args
from urllib.parse import urlencode

from fastapi import Depends, Request

from scp_node.dimse.uids import is_uid_as_sent
from scp_node.ledger.records import InstanceState
from scp_node.queries.studies import StudyFilter, StudyKey

STATES: tuple[InstanceState, ...] = get_args(InstanceState)
TEXT_CHARACTERS_MAX = 64
_KEY = re.compile(r"([0-9]{1,17})~([0-9.]{1,64})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class ListAddress:
    """The fields of the form as they were given, those that mean nothing left empty; flags are "1" or empty."""

    accession: str = ""
    received_from: str = ""
    received_to: str = ""
    source: str = ""
    state: str = ""
    finding: str = ""
    positive: str = ""
    declined: str = ""
    dead: str = ""
    after: str = ""

    @property
    def is_filtered(self) -> bool:
        return any(value for name, value in vars(self).items() if name != "after")

    @property
    def wanted(self) -> StudyFilter:
        """Days are those of this machine's clock, the last one included."""
        last = _day(self.received_to)
        return StudyFilter(
            received_from=_midnight(_day(self.received_from)),
            received_before=_midnight(last and last + timedelta(days=1)),
            source=self.source or None,
            state=next((state for state in STATES if state == self.state), None),
            finding=self.finding or None,
            positive=bool(self.positive),
            declined=bool(self.declined),
            dead=bool(self.dead),
            accession_numbers=(self.accession,) if self.accession else (),
        )

    @property
    def key(self) -> StudyKey | None:
        return key_of(self.after)

    def query(self, after: str = "") -> str:
        """This list as the query of an address, from its beginning or from behind a study."""
        given = {name: value for name, value in vars(self).items() if value and name != "after"}
        return urlencode(given | ({"after": after} if after else {}))


def list_address(request: Request) -> ListAddress:
    """Never raises: an address that somebody has typed shows what can be understood of it."""
    given = request.query_params
    texts = {one.name: given.get(one.name, "").strip()[:TEXT_CHARACTERS_MAX] for one in fields(ListAddress)}
    for name in ("received_from", "received_to"):
        texts[name] = texts[name] if _day(texts[name]) else ""
    for name in ("positive", "declined", "dead"):
        texts[name] = "1" if texts[name] else ""
    texts["state"] = texts["state"] if texts["state"] in STATES else ""
    texts["after"] = given.get("after", "") if key_of(given.get("after", "")) else ""
    return ListAddress(**texts)


Address = Annotated[ListAddress, Depends(list_address)]


def written_key(key: StudyKey) -> str:
    """The place of a study in an address: microseconds since 1970, and the UID."""
    return f"{(key.first_received_at - _EPOCH) // timedelta(microseconds=1)}~{key.study_instance_uid}"


def key_of(text: str) -> StudyKey | None:
    """What `written_key` has written; None for anything else."""
    found = _KEY.fullmatch(text)
    if found is None or not is_uid_as_sent(found[2]):
        return None
    try:
        return StudyKey(_EPOCH + timedelta(microseconds=int(found[1])), found[2])
    except OverflowError:
        return None


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 1970 <= found.year <= 9000 else None


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime(day.year, day.month, day.day).astimezone()
