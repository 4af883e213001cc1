"""A finding as a row of the ledger."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from converter.package.concept import Concept
from converter.result.findings import Finding
from scp_node.ledger import regions_column


def row_of(sop_instance_uid: str, position: int, found: Finding) -> dict[str, Any]:
    """`position`: of the finding in the order of the model."""
    return {
        "sop_instance_uid": sop_instance_uid,
        "position": position,
        "name": found.name,
        "concept": found.concept.model_dump(),
        "probability": found.probability,
        "threshold": found.threshold,
        "positive": found.positive,
        "regions": regions_column.written(found.regions),
        "unplaced": found.unplaced,
        "full_scale": found.full_scale,
    }


def finding_of(row: sa.Row[Any]) -> Finding:
    """What `row_of` was given."""
    return Finding(
        name=row.name,
        concept=Concept.model_validate(row.concept),
        probability=row.probability,
        threshold=row.threshold,
        positive=row.positive,
        regions=regions_column.read(row.regions),
        unplaced=row.unplaced,
        full_scale=row.full_scale,
    )
