"""What an archive has of the images that this node analyses, against what the ledger knows; what was missed is fetched.

Studies of some days are asked for by modality (C-FIND), their series and images one study at a time. Images that came
here, whatever became of them, are not missed; nor are this node's own results. What is missed is sent here by the
archive (C-MOVE) and comes in like any image: routes, limits and models are those of the node.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from pydicom import Dataset

from scp_node.deliver.dimse.peer import Peer, peer_of
from scp_node.deliver.dimse.query import Queried, QueryAssociation
from scp_node.deliver.outcomes import PeerFault
from scp_node.dimse.uids import STUDY_ROOT_FIND, STUDY_ROOT_MOVE, is_uid_as_sent
from scp_node.errors import UsageError
from scp_node.ledger import Ledger
from scp_node.operations.acts import Operator
from scp_node.settings import Settings

DAYS_MAX = 366
STUDIES_OF_A_DAY_MAX, SERIES_MAX, IMAGES_MAX = 5_000, 1_000, 10_000
UIDS_OF_A_MOVE_MAX = 50
ARRIVE_S = 5.0


@dataclass(frozen=True)
class Wanted:
    """The remote AE `name`, the days whose studies are looked at, and whether what was missed is fetched."""

    name: str
    first: date
    last: date
    fetches: bool


@dataclass(frozen=True)
class MissedStudy:
    """A study of which images are not in the ledger: how many, how many came now, and what the archive said."""

    study_instance_uid: str
    accession_number: str
    study_date: str
    missed: int
    fetched: int = 0
    problem: str = ""


@dataclass
class Reconciliation:
    """`images`: those of the asked modalities; `problems`: what was not looked at, and why."""

    wanted: Wanted
    modalities: tuple[str, ...]
    studies: int = 0
    images: int = 0
    missed: list[MissedStudy] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        """Everything was looked at, and nothing is missing any more."""
        return not self.problems and all(one.fetched == one.missed for one in self.missed)


@dataclass(frozen=True)
class _Series:
    uid: str
    images: tuple[str, ...]
    """Those that are missed."""
    is_whole: bool
    """None of it came."""


def reconcile(
    settings: Settings,
    ledger: Ledger,
    wanted: Wanted,
    operator: Operator,
    on_study: Callable[[MissedStudy], None] = lambda study: None,
) -> Reconciliation:
    """Ask, compare, and fetch. `on_study` is told of each study with a missed image. Raises UsageError where the remote
    AE is not one to be asked; what it does not answer is a problem of the result."""
    peer = _peer(settings, wanted)
    found = Reconciliation(wanted, modalities_from(settings, wanted.name))
    try:
        with closing(QueryAssociation(peer, moves=wanted.fetches)) as archive:
            _check_offer(archive, wanted)
            for study in _studies(archive, found, peer):
                _look_at(archive, ledger, found, study, settings, on_study)
    except PeerFault as fault:
        found.problems.append(f"{wanted.name}: {fault}")
    missed, fetched = sum(one.missed for one in found.missed), sum(one.fetched for one in found.missed)
    detail = f"{found.studies} studies, {missed} images missed, {fetched} fetched"
    operator.record("reconcile", "remote-ae", wanted.name, "done" if found.is_well else "failed", detail)
    return found


def modalities_from(settings: Settings, name: str) -> tuple[str, ...]:
    """Those that a route takes from this remote AE."""
    routes = [route for route in settings.routes if not route.when.from_ or name in route.when.from_]
    return tuple(sorted({modality for route in routes for modality in route.when.modality}))


def _peer(settings: Settings, wanted: Wanted) -> Peer:
    remote = settings.remote_aes.get(wanted.name)
    if remote is None:
        raise UsageError(f"no remote AE is called '{wanted.name}'; known: {', '.join(settings.remote_aes)}")
    if wanted.fetches and not remote.may_send:
        raise UsageError(f"remote_aes.{wanted.name} may not send: set may_send: true, or look only (--dry-run)")
    if not modalities_from(settings, wanted.name):
        raise UsageError(f"no route takes images from {wanted.name}")
    if not timedelta() <= wanted.last - wanted.first < timedelta(days=DAYS_MAX):
        raise UsageError(f"1 to {DAYS_MAX} days can be looked at")
    return peer_of(settings, remote)


def _check_offer(archive: QueryAssociation, wanted: Wanted) -> None:
    if not archive.offers(STUDY_ROOT_FIND):
        raise PeerFault("class-not-accepted", "queries (C-FIND, Study Root)")
    if wanted.fetches and not archive.offers(STUDY_ROOT_MOVE):
        raise PeerFault("class-not-accepted", "retrieval (C-MOVE, Study Root); --dry-run only looks")


def _studies(archive: QueryAssociation, found: Reconciliation, peer: Peer) -> Iterator[Dataset]:
    """Each study of those days with an image of one of the modalities, once."""
    seen: set[str] = set()
    days = (found.wanted.last - found.wanted.first).days + 1
    for day in (found.wanted.first + timedelta(days=number) for number in range(days)):
        for modality in found.modalities:
            keys = _keys("STUDY", StudyDate=f"{day:%Y%m%d}", ModalitiesInStudy=modality, AccessionNumber="")
            for study in _answers(archive, found, keys, STUDIES_OF_A_DAY_MAX, f"studies of {day} with {modality}"):
                uid = str(study.get("StudyInstanceUID", ""))
                if is_uid_as_sent(uid) and uid not in seen:
                    seen.add(uid)
                    yield study


def _look_at(
    archive: QueryAssociation,
    ledger: Ledger,
    found: Reconciliation,
    study: Dataset,
    settings: Settings,
    on_study: Callable[[MissedStudy], None],
) -> None:
    uid, accession = str(study.StudyInstanceUID), str(study.get("AccessionNumber", "") or "")
    series = list(_missed_series(archive, ledger, found, uid))
    found.studies += 1
    if not series:
        return
    missed = {image for one in series for image in one.images}
    told = MissedStudy(uid, accession, str(study.get("StudyDate", "") or ""), len(missed))
    if found.wanted.fetches:
        problem = _fetch(archive, uid, series, settings)
        told = replace(told, fetched=_arrived(ledger, missed), problem=problem)
    found.missed.append(told)
    on_study(told)


def _missed_series(archive: QueryAssociation, ledger: Ledger, found: Reconciliation, study: str) -> Iterator[_Series]:
    keys = _keys("SERIES", StudyInstanceUID=study, SeriesInstanceUID="", Modality="")
    for series in _answers(archive, found, keys, SERIES_MAX, f"series of {study}"):
        uid = str(series.get("SeriesInstanceUID", ""))
        if str(series.get("Modality", "")) not in found.modalities or not is_uid_as_sent(uid):
            continue
        keys = _keys("IMAGE", StudyInstanceUID=study, SeriesInstanceUID=uid, SOPInstanceUID="")
        answers = _answers(archive, found, keys, IMAGES_MAX, f"images of series {uid}")
        images = [one for one in (str(answer.get("SOPInstanceUID", "")) for answer in answers) if is_uid_as_sent(one)]
        found.images += len(images)
        with ledger.reading() as tx:
            known = tx.known_objects.among(images)
        if missed := tuple(one for one in images if one not in known):
            yield _Series(uid, missed, is_whole=not known)


def _answers(
    archive: QueryAssociation, found: Reconciliation, keys: Dataset, answers_max: int, what: str
) -> Sequence[Dataset]:
    """Raises PeerFault where the archive cannot be asked any more."""
    outcome = archive.find(keys, answers_max, _within_s(answers_max))
    if outcome.queried is not Queried.ANSWERED:
        found.problems.append(f"{what}: {outcome.message}")
    if not outcome.is_whole:
        raise PeerFault("protocol-error", f"more than {answers_max} {what}")
    return outcome.answers


def _within_s(answers_max: int) -> float:
    """A minute, and what so many answers may take."""
    return 60 + answers_max / 50


def _fetch(archive: QueryAssociation, study: str, series: Sequence[_Series], settings: Settings) -> str:
    """Have it sent here; the last problem, in words."""
    problem = ""
    for one in series:
        parts = [()] if one.is_whole else _parts(one.images)
        for images in parts:
            level = "SERIES" if one.is_whole else "IMAGE"
            keys = _keys(level, StudyInstanceUID=study, SeriesInstanceUID=one.uid)
            if images:
                keys.SOPInstanceUID = list(images)
            within_s = settings.delivery.response_timeout_s * (1 + len(one.images))
            problem = archive.move(keys, settings.node.ae_title, within_s) or problem
    return problem


def _parts(images: Sequence[str]) -> list[tuple[str, ...]]:
    starts = range(0, len(images), UIDS_OF_A_MOVE_MAX)
    return [tuple(images[start : start + UIDS_OF_A_MOVE_MAX]) for start in starts]


def _arrived(ledger: Ledger, missed: set[str]) -> int:
    """How many of them are in the ledger; the archive may say that they were sent a moment before."""
    deadline = time.monotonic() + ARRIVE_S
    while True:
        with ledger.reading() as tx:
            count = len(tx.known_objects.among(missed))
        if count == len(missed) or time.monotonic() > deadline:
            return count
        time.sleep(0.1)


def _keys(level: str, **values: str) -> Dataset:
    """A query at one level; an empty value asks for it."""
    ds = Dataset()
    ds.QueryRetrieveLevel = level
    if level == "STUDY":
        ds.StudyInstanceUID = ""
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds
