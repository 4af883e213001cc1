"""From what a film and its map are drawn: the file of an image, and what the model found in it."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from converter.result.findings import Point, Region, place_of_regions
from converter.result.place import Place
from scp_node.errors import NothingFound
from scp_node.ledger import Transaction, regions_column
from scp_node.ledger import tables as t
from scp_node.ledger.removal_records import in_spool


@dataclass(frozen=True)
class FilmSource:
    """`spool_name`: the file of the version that was judged, or of the one that came last where none was."""

    spool_name: str


@dataclass(frozen=True)
class MapSource:
    """The class activation map of one finding: float32, little endian, rows x columns, over the whole film. full_scale:
    what full colour stands for, None where the map has a scale of its own. lungs: as LungsSource, where there are."""

    spool_name: str
    cam: bytes
    rows: int
    columns: int
    full_scale: float | None
    lungs: bytes | None


@dataclass(frozen=True)
class LungsSource:
    """The outline of the lungs over the whole film, as scp_node.ledger.outline_column packs it."""

    spool_name: str
    lungs: bytes


@dataclass(frozen=True)
class FoundPlace:
    """A finding that has a map. regions: where the model saw it; unplaced: why there are none."""

    name: str
    meaning: str
    positive: bool
    regions: tuple[Region, ...] = ()
    unplaced: str = ""

    @property
    def outlines(self) -> tuple[tuple[Point, ...], ...]:
        """Closed lines in pixels of the stored frame."""
        return tuple(region.outline for region in self.regions)

    @property
    def place(self) -> Place | None:
        return place_of_regions(self.regions)


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
    found = tx.connection.execute(
        sa.select(t.finding.c.position, t.finding.c.full_scale).where(mine, t.finding.c.name == finding)
    ).one_or_none()
    kept = sa.select(t.analysis.c.cam, t.analysis.c.cam_shape, t.analysis.c.lungs)
    row = tx.connection.execute(kept.where(t.analysis.c.sop_instance_uid == sop_instance_uid)).one_or_none()
    if found is None or row is None:
        raise NothingFound("there is no map of this finding")
    _, rows, columns = row.cam_shape
    size = 4 * rows * columns
    cam = bytes(row.cam[found.position * size : (found.position + 1) * size])
    return MapSource(film.spool_name, cam, rows, columns, found.full_scale, row.lungs and bytes(row.lungs))


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
        sa.select(*columns, t.finding.c.positive, t.finding.c.regions, t.finding.c.unplaced)
        .join(t.instance, t.instance.c.sop_instance_uid == t.finding.c.sop_instance_uid)
        .where(t.instance.c.study_instance_uid == study_instance_uid)
        .order_by(t.finding.c.sop_instance_uid, t.finding.c.position)
    )
    found: dict[str, list[FoundPlace]] = {}
    for row in rows:
        meaning, regions = str(row.concept.get("meaning", row.name)), regions_column.read(row.regions)
        told = FoundPlace(row.name, meaning, row.positive, regions, row.unplaced)
        found.setdefault(row.sop_instance_uid, []).append(told)
    return {uid: tuple(places) for uid, places in found.items()}
