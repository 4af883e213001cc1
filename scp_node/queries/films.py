"""From what a film and its map are drawn: the file of an image, and what the model found in it."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from converter.result.place import Place
from scp_node.errors import NothingFound
from scp_node.ledger import Transaction
from scp_node.ledger import tables as t
from scp_node.ledger.removal_records import in_spool

Point = tuple[float, float]


@dataclass(frozen=True)
class FilmSource:
    """`spool_name`: the file of the version that was judged, or of the one that came last where none was."""

    spool_name: str


@dataclass(frozen=True)
class MapSource:
    """The class activation map of one finding: float32, little endian, rows x columns, over the whole film."""

    spool_name: str
    cam: bytes
    rows: int
    columns: int


@dataclass(frozen=True)
class LungsSource:
    """The outline of the lungs over the whole film, as scp_node.ledger.outline_column packs it."""

    spool_name: str
    lungs: bytes


@dataclass(frozen=True)
class FoundPlace:
    """A finding that has a map. region: where the model looked, as a closed line in pixels of the stored frame; empty
    where no place is known. place: where in the lungs that is."""

    name: str
    meaning: str
    positive: bool
    region: tuple[Point, ...]
    place: Place | None = None


def film_source(tx: Transaction, study_instance_uid: str, sop_instance_uid: str) -> FilmSource:
    """Raises NothingFound for an image that is not of this study, and Removed where its file was removed."""
    mine = (t.instance.c.sop_instance_uid == sop_instance_uid, t.instance.c.study_instance_uid == study_instance_uid)
    row = tx.connection.execute(sa.select(t.instance.c.version, t.instance.c.judged_version).where(*mine)).one_or_none()
    if row is None:
        raise NothingFound("there is no such image in this study")
    return FilmSource(in_spool(tx.versions.as_of(sop_instance_uid, row.judged_version or row.version)))


def map_source(tx: Transaction, study_instance_uid: str, sop_instance_uid: str, finding: str) -> MapSource:
    """Raises like `film_source`, and NothingFound where the model has no map of that finding."""
    film = film_source(tx, study_instance_uid, sop_instance_uid)
    mine = t.finding.c.sop_instance_uid == sop_instance_uid
    place = tx.connection.execute(
        sa.select(t.finding.c.position).where(mine, t.finding.c.name == finding)
    ).scalar_one_or_none()
    kept = sa.select(t.analysis.c.cam, t.analysis.c.cam_shape).where(t.analysis.c.sop_instance_uid == sop_instance_uid)
    row = tx.connection.execute(kept).one_or_none()
    if place is None or row is None:
        raise NothingFound("there is no map of this finding")
    _, rows, columns = row.cam_shape
    size = 4 * rows * columns
    return MapSource(film.spool_name, bytes(row.cam[place * size : (place + 1) * size]), rows, columns)


def lungs_source(tx: Transaction, study_instance_uid: str, sop_instance_uid: str) -> LungsSource:
    """Raises like `film_source`, and NothingFound where no lungs were outlined."""
    film = film_source(tx, study_instance_uid, sop_instance_uid)
    kept = sa.select(t.analysis.c.lungs).where(t.analysis.c.sop_instance_uid == sop_instance_uid)
    lungs = tx.connection.execute(kept).scalar_one_or_none()
    if lungs is None:
        raise NothingFound("no lungs were outlined in this image")
    return LungsSource(film.spool_name, bytes(lungs))


def outlined_images(tx: Transaction, study_instance_uid: str) -> frozenset[str]:
    """SOP Instance UIDs of the images of a study in which lungs were outlined."""
    rows = tx.connection.execute(
        sa.select(t.analysis.c.sop_instance_uid)
        .join(t.instance, t.instance.c.sop_instance_uid == t.analysis.c.sop_instance_uid)
        .where(t.instance.c.study_instance_uid == study_instance_uid, t.analysis.c.lungs.is_not(None))
    )
    return frozenset(row.sop_instance_uid for row in rows)


def found_places(tx: Transaction, study_instance_uid: str) -> dict[str, tuple[FoundPlace, ...]]:
    """By SOP Instance UID, the findings that have a map, in the order of the model."""
    columns = (t.finding.c.sop_instance_uid, t.finding.c.name, t.finding.c.concept)
    rows = tx.connection.execute(
        sa.select(*columns, t.finding.c.positive, t.finding.c.region, t.finding.c.place)
        .join(t.instance, t.instance.c.sop_instance_uid == t.finding.c.sop_instance_uid)
        .where(t.instance.c.study_instance_uid == study_instance_uid)
        .order_by(t.finding.c.sop_instance_uid, t.finding.c.position)
    )
    found: dict[str, list[FoundPlace]] = {}
    for row in rows:
        region = tuple((float(x), float(y)) for x, y in row.region or ())
        meaning, place = str(row.concept.get("meaning", row.name)), Place.of_stored(row.place)
        found.setdefault(row.sop_instance_uid, []).append(FoundPlace(row.name, meaning, row.positive, region, place))
    return {uid: tuple(places) for uid, places in found.items()}
