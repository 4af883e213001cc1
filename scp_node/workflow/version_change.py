"""What a new version of an object changes: compared with the version whose findings stand, and told in words."""

from __future__ import annotations

import hashlib
import logging

import numpy as np
from pydicom import Dataset

from converter.analysis.outcome import Examined
from converter.declined import OTHER_PATIENT
from converter.image.convert import Converted
from converter.image.routing_header import routing_header
from converter.result.copied import copied_digest
from converter.result.identity import patient_of
from scp_node.ledger import InstanceRow, Transaction, VersionFacts, VersionRow
from scp_node.ledger.records import InstanceState
from scp_node.workflow.report_plan import plan_report
from scp_node.workflow.services import Services

log = logging.getLogger(__name__)
# What is compared, as `hilum explain` names it: a column of the version each.
COMPARED = {"copied": "identity or another attribute that results copy", "pixels": "pixels", "shown": "display"}


def facts_of(sha256: str | None, ds: Dataset | None, examined: Examined) -> VersionFacts:
    """What was seen of a file: of an unreadable one its bytes only, of one that was not decoded no pixels."""
    converted = examined.converted
    return VersionFacts(
        sha256=sha256,
        copied=None if ds is None else copied_digest(ds),
        pixels=converted.stored or None if converted else None,
        shown=None if converted is None else _shown(converted),
        patient=None if ds is None else patient_of(ds),
        header=None if ds is None else routing_header(ds).document(),
    )


def _shown(converted: Converted) -> str:
    """Digest of what the model and a reader were shown."""
    digest = hashlib.sha256(np.ascontiguousarray(converted.model_input).data)
    digest.update(np.ascontiguousarray(converted.preview).data)
    return digest.hexdigest()


def changes(earlier: VersionRow, now: VersionRow) -> tuple[str, ...]:
    """The names of what differs between two versions, empty where results stay as they are. What only one of them has
    differs."""
    names = [name for name in COMPARED if getattr(earlier.facts, name) != getattr(now.facts, name)]
    places = [(one.study_instance_uid, one.series_instance_uid, one.sop_class_uid) for one in (earlier, now)]
    if places[0] != places[1] and "copied" not in names:
        names.insert(0, "copied")
    # other pixels are displayed otherwise: that goes without saying
    return tuple(COMPARED[name] for name in names if name != "shown" or "pixels" not in names)


def state_that_stands(before: InstanceRow, state: InstanceState) -> InstanceState:
    """The state of an image whose new version changes nothing: as it was before that version came."""
    if state != "inferred":
        return state
    return "declined" if before.decline_code == OTHER_PATIENT else "reported" if before.covered else "inferred"


def judged_before(tx: Transaction, instance: InstanceRow) -> VersionRow | None:
    """The version whose findings stand; None for an image that is judged for the first time."""
    if instance.judged_version is None:
        return None
    return tx.versions.get(instance.sop_instance_uid, instance.judged_version)


def tell(tx: Transaction, instance: InstanceRow, earlier: VersionRow, differing: tuple[str, ...]) -> None:
    """Enter for `hilum explain` what the new version changed, and what follows."""
    if earlier.version == instance.version:
        return
    compared = f"version {instance.version} compared with version {earlier.version}"
    followed = f"{', '.join(differing)} changed; results are made anew"
    if not differing:
        followed = "neither identity nor pixels changed; nothing is reported anew"
    uid, study = instance.sop_instance_uid, instance.study_instance_uid
    tx.events.add(study, uid, "new_version", f"{compared}: {followed}")
    if earlier.study_instance_uid != study:
        tx.events.add(earlier.study_instance_uid, uid, "new_version", f"{compared}: now in study {study}")


def leave_study(tx: Transaction, services: Services, before: InstanceRow, earlier: VersionRow | None) -> None:
    """Where the new version stands in another study, have the one that it has left reported without it."""
    if earlier is None or earlier.study_instance_uid == before.study_instance_uid or before.route is None:
        return
    left = earlier.study_instance_uid
    tx.studies.lock(left)
    others = tx.instances.uncover(left, before.route)
    plan_report(tx, services, left, before.route)
    if not others and tx.reports.latest_built(left, before.route) is not None:
        told = "its last image is in another study now: the report that was sent stays as it is"
        tx.events.add(left, left, "new_version", told)
        log.warning("a report stands on a study without images", extra={"study_instance_uid": left})
