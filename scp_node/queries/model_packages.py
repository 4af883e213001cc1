"""Which model packages there are, what each was made for, and what it does in a node."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from converter.package.manifest import Manifest
from scp_node.errors import ModelUnusable
from scp_node.inference.packages import (
    Folders,
    find_package,
    open_package,
    package_folders,
    read_card,
    read_report,
    report_names,
)
from scp_node.ledger import Ledger
from scp_node.monitoring.models_in_use import ModelUse, models_in_use
from scp_node.queries.model_reports import drift_report
from scp_node.settings import Settings
from scp_node.settings.places import model_folders
from scp_node.telemetry.heartbeat import read_statuses, status_folder


@dataclass(frozen=True)
class ListedModel:
    """One package of a folder, or one that only a route names. `problem` says why it cannot be used; else `pin`
    is what a route may call it, `gate`, `lungs` and the rest are those of its manifest. `folder`: where it lies."""

    label: str
    use: ModelUse | None
    problem: str = ""
    title: str = ""
    pin: str = ""
    findings: tuple[str, ...] = ()
    gate: str = ""
    folder: str = ""
    intended_use: str = ""
    lungs: str = ""


@dataclass(frozen=True)
class ModelDetails:
    """One package; `drift_reference` says what images are compared with, `card` is the file for a reader, `reports`
    the names of those that came with it."""

    manifest: Manifest
    pin: str
    drift_reference: str
    use: ModelUse | None
    card: Path | None
    folder: Path
    reports: tuple[str, ...] = ()


def model_uses(settings: Settings, ledger: Ledger | None) -> dict[str, ModelUse]:
    """By label, what packages do in a node; without a ledger the node has never run, and no image was compared."""
    senders = () if ledger is None else drift_report(ledger, settings).senders
    statuses = read_statuses(status_folder(settings.node.data_dir), time.monotonic())
    return models_in_use(settings, model_folders(settings), statuses, senders)


def list_models(folders: Folders, uses: Mapping[str, ModelUse]) -> list[ListedModel]:
    """Every package in `folders` by name and version, then those of `uses` that are not there."""
    listed = [_listed(folder, uses) for folder in package_folders(folders)]
    there = {one.label for one in listed}
    for label in sorted(uses.keys() - there):
        use = uses[label]
        listed.append(ListedModel(label, use, f"missing, but named by {', '.join(use.routes + use.shadow_of)}"))
    return listed


def model_details(folders: Folders, model: str, uses: Mapping[str, ModelUse]) -> ModelDetails:
    """Raises ModelMissing, ModelUnusable."""
    package = find_package(folders, model)
    card = package.folder / "CARD.md"
    return ModelDetails(
        manifest=package.manifest,
        pin=package.pin,
        drift_reference=_drift_reference(package.manifest),
        use=uses.get(package.label),
        card=card if card.is_file() else None,
        folder=package.folder,
        reports=tuple(report_names(package)),
    )


def model_card(folders: Folders, model: str) -> str:
    """The text of CARD.md; empty where there is none. Raises ModelMissing, ModelUnusable."""
    return read_card(find_package(folders, model)) or ""


def model_report(folders: Folders, model: str, name: str) -> str:
    """The text of a report. Raises ModelMissing, ModelUnusable."""
    return read_report(find_package(folders, model), name)


def _listed(folder: Path, uses: Mapping[str, ModelUse]) -> ListedModel:
    label = f"{folder.parent.name}@{folder.name}"
    try:
        package = open_package(folder)
    except ModelUnusable as error:
        return ListedModel(label, uses.get(label), f"unusable: {error}", folder=str(folder))
    return ListedModel(
        label=label,
        use=uses.get(label),
        title=package.manifest.title,
        pin=package.pin,
        findings=tuple(finding.name for finding in package.manifest.findings),
        gate=_gate(package.manifest),
        folder=str(folder),
        intended_use=package.manifest.intended_use.statement,
        lungs=_lungs(package.manifest),
    )


def _gate(manifest: Manifest) -> str:
    """From which share on the package itself takes an image for one to analyse."""
    return "none" if manifest.gate is None else f"{manifest.gate.kinds[0].name} from {manifest.gate.threshold:g}"


def _lungs(manifest: Manifest) -> str:
    """Whether the package outlines them, and from where on a film does not have the whole of them."""
    found = manifest.lungs
    return "not outlined" if found is None else f"outlined; whole up to {100 * found.edge_max:g} % of an edge"


def _drift_reference(manifest: Manifest) -> str:
    found = manifest.distribution
    if found is None:
        return "no reference: the package has no section `distribution`, so that drift cannot be told"
    return f"compared with {found.images} films of {found.fitted_on}"
