"""Make an input gate: fetch its pictures, fit it, attach it to a package, measure it there."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from pydantic import ValidationError

from converter.errors import InvalidManifest
from converter.package.manifest import Manifest
from training.data.cohorts import data_folder
from training.data.images import CACHE
from training.gate.packages import fetch
from training.gate.sources import PictureFolders
from training.gate.subjects import SUBJECTS, subject_of
from training.packaging.manifest_file import read_manifest, write_manifest
from training.packaging.package_folder import MANIFEST, read_graph

PACKAGES = CACHE / "gate"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, help="the folder that holds manifest.csv; dicom/ lies beside it")
    parser.add_argument("--packages", type=Path, default=PACKAGES, help="where fetched packages lie")
    steps = parser.add_subparsers(required=True, dest="step", metavar="STEP")
    step = steps.add_parser("fetch", help="fetch the packages whose pictures the gate learns from")
    step.set_defaults(take=fetch_packages)
    step = steps.add_parser("fit", help="learn a gate, fix its threshold on val, write RUN")
    step.add_argument("run", type=Path, metavar="RUN")
    step.add_argument("--subject", choices=list(SUBJECTS), default="chest", help="what the gate is to accept")
    step.add_argument("--steps", type=int, default=1600)
    step.add_argument("--seed", type=int, default=7)
    step.add_argument("--without", action="append", default=[], metavar="SOURCE", help="leave a source out")
    step.set_defaults(take=fit_gate)
    step = steps.add_parser("attach", help="write PACKAGE as NEW with the gate of RUN")
    step.add_argument("package", type=Path, metavar="PACKAGE")
    step.add_argument("run", type=Path, metavar="RUN")
    step.add_argument("new", type=Path, metavar="NEW")
    step.set_defaults(take=attach_gate)
    step = steps.add_parser("measure", help="measure the gate of PACKAGE and put the figures into its manifest")
    step.add_argument("package", type=Path, metavar="PACKAGE")
    step.add_argument("--json", type=Path, help="also write the figures there")
    step.add_argument("--sheet", type=Path, help="also write a picture of what it got wrong there (PNG)")
    step.add_argument(
        "--also", action="append", default=[], metavar="SOURCE", help="a source that the gate was fitted --without"
    )
    step.set_defaults(take=measure_gate)


def run(arguments: argparse.Namespace) -> None:
    arguments.take(arguments)


def fetch_packages(arguments: argparse.Namespace) -> None:
    fetch(arguments.packages)


def fit_gate(arguments: argparse.Namespace) -> None:
    subject = SUBJECTS[arguments.subject]
    check_names(arguments.without, [source.name for source in subject.sources if source.role == "train"])
    from training.gate.fit import fit  # here, because fetching and measuring need no TensorFlow
    from training.gate.fitted import save
    from training.gate.pool import LEARNED_SIDE, films, learned_groups

    data, places = places_of(arguments)
    learning, val = (films(subject, data, split, LEARNED_SIDE) for split in ("train", "val"))
    others = learned_groups(subject, places, tuple(arguments.without))
    network = fit(subject, learning, others, arguments.steps, arguments.seed)
    gate = save(subject, arguments.run, network, val, [*learning, *others])
    print(f"{arguments.run}: threshold {gate.threshold:g}, {gate.threshold_rule}")


def attach_gate(arguments: argparse.Namespace) -> None:
    from training.gate.packaged import gate_package

    try:
        manifest = gate_package(arguments.package, arguments.run, arguments.new)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise SystemExit(f"{arguments.new}, as models/NAME/VERSION: {faults}") from error
    except (OSError, RuntimeError, InvalidManifest) as error:
        raise SystemExit(f"{arguments.package}: {error}") from error
    print(f"{arguments.new}: {manifest.name} {manifest.version}, SHA-256 {manifest.onnx_sha256}")


def measure_gate(arguments: argparse.Namespace) -> None:
    from training.gate.measure import groups_to_measure, judge, report, save_sheet_of_errors, table

    data, places = places_of(arguments)
    manifest = read_manifest(arguments.package)
    if manifest.gate is None:
        raise SystemExit(f"{arguments.package} has no input gate: see python -m training gate attach")
    subject, learned = subject_of(manifest.gate), {source.name for source in manifest.gate.sources}
    # What was learned from is never measured as if it were new.
    check_names(
        arguments.also, [one.name for one in subject.sources if one.role == "train" and one.name not in learned]
    )
    graph = read_graph(arguments.package, manifest)
    verdicts, figures = [], []
    known = {kind.name for kind in manifest.gate.kinds}
    for group, seen in groups_to_measure(subject, places, data, arguments.also):
        if group.kind not in known:
            print(f"{group.name}: not measured, for this gate does not know {group.kind}")
            continue
        verdicts.append(judge(graph, manifest.input, manifest.gate, group))
        figures.append(verdicts[-1].figure(seen))
    gate = manifest.gate.model_copy(update={"measured": tuple(figures)})
    measured = Manifest.model_validate(manifest.model_copy(update={"gate": gate}).model_dump(mode="json"))
    write_manifest(arguments.package / MANIFEST, measured)
    print(table(figures))
    summary = report(manifest, verdicts, figures)
    for name in ("accepted", "accepted_unseen_cohorts", "others", "others_unseen_sources"):
        print(f"{name}: {summary[name]}")
    if arguments.json:
        arguments.json.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    if arguments.sheet:
        save_sheet_of_errors(arguments.sheet, verdicts)


def check_names(given: list[str], known: list[str]) -> None:
    strange = [name for name in given if name not in known]
    if strange:
        raise SystemExit(f"no such source here: {strange[0]}; there are: {', '.join(known) or 'none'}")


def places_of(arguments: argparse.Namespace) -> tuple[Path, PictureFolders]:
    data = data_folder(arguments.data)
    if not arguments.packages.is_dir():
        raise SystemExit(f"{arguments.packages} is missing: run python -m training gate fetch")
    return data, PictureFolders(arguments.packages, data, data.parent / "dicom")
