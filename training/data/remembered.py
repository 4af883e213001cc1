"""Where the images of a run lay, and whether they are still the same: data.json in the folder of the run.

What `train` was told by --data need not be said again: the commands that take a run, or a package that was made of one,
look here. Of a cohort no run is named for, the last run that learned from it tells.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from converter.package.evidence import Provenance
from training.data.cohorts import Example

RUNS, FILE, OUTCOME, SPLIT = Path("training/runs"), "data.json", "outcome.json", "split.csv"
# So many names of images that have changed are worth reading.
NAMES_SHOWN_MAX = 3


def remember(run: Path, folders: Mapping[str, Path], examples: Sequence[Example]) -> None:
    """Write data.json of `run`: of each cohort its folder, its counts, and a digest of its images and labels."""
    known = {name: _record(folder, [one for one in examples if one.cohort == name]) for name, folder in folders.items()}
    (run / FILE).write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def recall(run: Path | None) -> dict[str, Path]:
    """By cohort, the folder that `run` learned from; nothing where it does not say."""
    return {} if run is None else {name: Path(one["folder"]) for name, one in _saved(run).items()}


def recall_last(cohort: str, runs: Path | None = None) -> tuple[Path, Path] | None:
    """(run, folder) of the last run that learned from `cohort` in a folder that is still there."""
    files = sorted((runs or RUNS).glob(f"*/{FILE}"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in files:
        folder = recall(file.parent).get(cohort)
        if folder is not None and folder.is_dir():
            return file.parent, folder
    return None


def run_of(provenance: Provenance, runs: Path | None = None) -> Path | None:
    """The run that a package was made of, where its folder is at hand."""
    for file in sorted((runs or RUNS).glob(f"*/{OUTCOME}")):
        outcome = json.loads(file.read_text(encoding="utf-8"))
        stated = outcome.get("finished"), "; then ".join(outcome.get("stages", ()))
        if stated == (provenance.created, provenance.recipe) and (file.parent / SPLIT).is_file():
            return file.parent
    return None


def tell_of_changes(run: Path, folders: Mapping[str, Path], examples: Sequence[Example]) -> list[str]:
    """Say on standard error of each cohort whether it is no longer what `run` learned from; returns what was said."""
    said = []
    for name, before in _saved(run).items():
        if name not in folders:
            continue
        now = _record(folders[name], [one for one in examples if one.cohort == name])
        if now["digest"] != before["digest"]:
            said.append(
                f"{name} in {folders[name]} has changed since {run} learned from it: {_difference(before, now)}. What "
                "is calibrated, packaged and judged now is of other images; train again, or put back what was there"
            )
    print(*said, sep="\n", end="\n" if said else "", file=sys.stderr)
    return said


def gone(run: Path, cohort: str, folder: Path) -> SystemExit:
    return SystemExit(
        f"{run} learned from {cohort} in {folder}, which is not there any more: give --data {cohort}=FOLDER"
    )


def _record(folder: Path, examples: Sequence[Example]) -> dict[str, Any]:
    """Of a file its name, size, label and patient count, not its bytes: a copy elsewhere is the same."""
    lines = {os.path.relpath(one.path, folder.absolute()): _line(one) for one in examples}
    digest = hashlib.sha256("".join(f"{name}\0{lines[name]}\n" for name in sorted(lines)).encode())
    return {
        "folder": str(folder.absolute()),
        "images": len(examples),
        "patients": len({one.patient_id for one in examples}),
        "labels": dict(sorted(Counter(one.label for one in examples).items())),
        "digest": digest.hexdigest(),
    }


def _line(example: Example) -> str:
    return "\0".join((str(example.path.stat().st_size), example.label, *sorted(example.findings), example.patient_id))


def _difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    counts = [f"{before[key]} {key} then, {now[key]} now" for key in ("images", "patients") if before[key] != now[key]]
    labels: Iterable[str] = sorted({*before["labels"], *now["labels"]})
    counts += [
        f"{before['labels'].get(label, 0)} labelled {label} then, {now['labels'].get(label, 0)} now"
        for label in labels
        if before["labels"].get(label, 0) != now["labels"].get(label, 0)
    ]
    return ", ".join(counts[: 2 * NAMES_SHOWN_MAX]) or "as many images, but other files, labels or patients"


def _saved(run: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((run / FILE).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SystemExit(
            f"{run / FILE}: cannot be read ({error}); give --data COHORT=FOLDER after removing it"
        ) from error
