"""train, val, devtest and test: no patient and no film is in two of them, whatever the source of the image.

Published test parts stay apart (`test`). What has no split yet is divided by patient; patients who share a film, to the
eye of training.data.near_duplicates, count as one. The same images and the same seed give the same splits.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path

import numpy as np

from training.data.cohorts import Example
from training.data.near_duplicates import Pair, find_near_duplicates

# In the order in which they are looked at: what is measured later keeps its images when two of them share a patient.
SPLITS = ("train", "val", "devtest", "test")
LEFT_OUT = "left-out"
# Weights come from the one; the end of training, calibration and thresholds from the other.
LEARNED_FROM = frozenset({"train", "val"})
SHARES = {"train": 0.8, "val": 0.1, "devtest": 0.1}
# Of few patients a larger share is measured, so that figures can be stated at all: this many of a class in val and in
# devtest, up to these shares of them.
MEASURED_GROUPS, MEASURED_SHARES_MAX = 12, {"val": 0.15, "devtest": 0.3}
# Fewer groups than this with one set of findings are divided together with the others of their cohort.
STRATUM_GROUPS_MIN = 10
COLUMNS = ("path", "cohort", "split", "patient_id", "label", "findings")


def select(examples: Iterable[Example], split: str, cohorts: Iterable[str]) -> list[Example]:
    """The examples of one split, all that are in `cohorts`."""
    wanted = set(cohorts)
    return [example for example in examples if example.split == split and example.cohort in wanted]


def spread(examples: Sequence[Example], images_max: int) -> list[Example]:
    """At most `images_max` of `examples`, evenly over their order."""
    places = np.unique(np.linspace(0, len(examples) - 1, min(images_max, len(examples))).astype(int))
    return [examples[place] for place in places.tolist()]


def divide(examples: Sequence[Example], seed: int = 0) -> list[Example]:
    """`examples` with a split each. Reads the images where one has none yet, to find films that are there twice."""
    _check_names(examples, {"", LEFT_OUT, *SPLITS})
    if all(example.split for example in examples):
        check_splits(examples)
        return list(examples)
    pairs = find_near_duplicates(examples)
    divided = assign(examples, pairs, seed)
    check_splits(divided, pairs)
    return divided


def assign(
    examples: Sequence[Example], pairs: Iterable[Pair], seed: int, shares: Mapping[str, float] = SHARES
) -> list[Example]:
    """Give each group of examples that share a patient or a film one split, at random by `seed`.

    A group with a split already keeps the one that is measured last; its images of other splits, and those that would
    join a published test part, are left out.
    """
    groups = list(_groups(examples, pairs))
    split_of: dict[int, str] = {}
    for members, split in _drawn(
        examples, [group for group in groups if _fixed(examples, group) is None], seed, shares
    ):
        split_of |= dict.fromkeys(members, split)
    for members in groups:
        fixed = _fixed(examples, members)
        for place in members if fixed else ():
            own = examples[place].split
            joins = own == fixed or (not own and fixed != "test")
            split_of[place] = fixed if joins and fixed else LEFT_OUT
    return [replace(example, split=split_of[place]) for place, example in enumerate(examples)]


def _groups(examples: Sequence[Example], pairs: Iterable[Pair]) -> Iterator[list[int]]:
    """Places of the examples that belong together, by patient and by film, each group in order."""
    parent = list(range(len(examples)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    first_of: dict[str, int] = {}
    same_patient = ((first_of.setdefault(example.patient_id, i), i) for i, example in enumerate(examples))
    for one, other in (*same_patient, *pairs):
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    members: dict[int, list[int]] = defaultdict(list)
    for place in range(len(examples)):
        members[root(place)].append(place)
    yield from members.values()


def _fixed(examples: Sequence[Example], members: Iterable[int]) -> str | None:
    """The split that the group has, the one measured last if there are several; None where it has none."""
    there = {examples[place].split for place in members}
    return next((split for split in reversed(SPLITS) if split in there), None)


def _drawn(
    examples: Sequence[Example], groups: Sequence[list[int]], seed: int, shares: Mapping[str, float]
) -> Iterator[tuple[list[int], str]]:
    """Each group with its split: shuffled within groups of like findings, cut where the shares of images are full."""
    for stratum in _strata(examples, groups):
        order = sorted(stratum, key=lambda members: _shuffled(seed, min(examples[i].patient_id for i in members)))
        images, before = sum(map(len, order)), 0
        for members in order:
            middle, reached = (before + len(members) / 2) / images, 0.0
            before += len(members)
            for split, share in for_so_many(len(stratum), shares).items():
                reached += share
                if middle < reached or split == list(shares)[-1]:
                    yield members, split
                    break


def for_so_many(groups: int, shares: Mapping[str, float]) -> dict[str, float]:
    """`shares`, those of val and devtest raised where they would hold fewer than MEASURED_GROUPS of `groups`."""
    raised = {
        split: max(share, min(MEASURED_SHARES_MAX[split], MEASURED_GROUPS / groups))
        for split, share in shares.items()
        if split in MEASURED_SHARES_MAX
    }
    return {split: raised.get(split, 1 - sum(raised.values())) for split in shares}


def _strata(examples: Sequence[Example], groups: Sequence[list[int]]) -> Iterator[list[list[int]]]:
    """Groups with the same findings in the same cohort; rare sets of findings together, by whether there are any."""
    alike: dict[tuple[str, frozenset[str]], list[list[int]]] = defaultdict(list)
    for members in groups:
        findings = frozenset[str]().union(*(examples[place].findings for place in members))
        alike[examples[members[0]].cohort, findings].append(members)
    rare: dict[tuple[str, bool], list[list[int]]] = defaultdict(list)
    for (cohort, findings), stratum in alike.items():
        if len(stratum) < STRATUM_GROUPS_MIN:
            rare[cohort, bool(findings)] += stratum
        else:
            yield stratum
    yield from rare.values()


def _shuffled(seed: int, patient_id: str) -> bytes:
    return hashlib.sha256(f"{seed}\0{patient_id}".encode()).digest()


def patients_in_two_splits(examples: Iterable[Example]) -> set[str]:
    """The patients that would leak; a run refuses to start when there is one."""
    seen: dict[str, set[str]] = defaultdict(set)
    for example in examples:
        if example.split != LEFT_OUT:
            seen[example.patient_id].add(example.split)
    return {patient for patient, splits in seen.items() if len(splits) > 1}


def films_in_two_splits(examples: Sequence[Example], pairs: Iterable[Pair]) -> list[tuple[Example, Example]]:
    """Near-duplicates that would leak."""
    crossing = ((examples[one], examples[other]) for one, other in pairs)
    return [(a, b) for a, b in crossing if LEFT_OUT not in (a.split, b.split) and a.split != b.split]


def check_splits(examples: Sequence[Example], pairs: Iterable[Pair] = ()) -> None:
    """End the program where a patient, or a film of `pairs`, is in two splits, or a split has no known name."""
    leaking = patients_in_two_splits(examples)
    if leaking:
        raise SystemExit(f"{len(leaking)} patients are in more than one split, such as {sorted(leaking)[0]}")
    twice = films_in_two_splits(examples, pairs)
    if twice:
        raise SystemExit(
            f"{len(twice)} films are in more than one split, such as {twice[0][0].path}, {twice[0][1].path}"
        )
    _check_names(examples, {LEFT_OUT, *SPLITS})


def check_earlier_run(run: Path, examples: Iterable[Example]) -> None:
    """End the program where a patient that `run` learned from would now be decided or measured on.

    Weights and answers carry on what they were learned from, and a folder that has grown since is divided otherwise. A
    run out of a package has no split.csv: of whom that package learned, its manifest and its cohorts tell.
    """
    file = run / "split.csv"
    if not file.is_file():
        return
    learned_from = {row["patient_id"] for row in _saved(file) if row["split"] == "train"}
    kept_apart = {one.patient_id for one in examples if one.split in SPLITS and one.split != "train"}
    leaking = sorted(learned_from & kept_apart)
    if leaking:
        raise SystemExit(
            f"{run} learned from {len(leaking)} patients that now lie in val, devtest or test, such as {leaking[0]}: "
            "its images were divided otherwise. Give the images the split that they had there, or begin anew"
        )


def _check_names(examples: Iterable[Example], known: Set[str]) -> None:
    unknown = {example.split for example in examples} - known
    if unknown:
        raise SystemExit(f"unknown splits: {', '.join(repr(split) for split in sorted(unknown))}")


def save_split(path: Path, examples: Iterable[Example], folder: Path) -> None:
    """Write which image was in which split (paths relative to `folder`), so that a run can be repeated and audited."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for one in examples:
            findings = "|".join(sorted(one.findings))
            place = os.path.relpath(one.path, folder)
            writer.writerow([place, one.cohort, one.split, one.patient_id, one.label, findings])


def with_saved_split(path: Path, examples: Sequence[Example]) -> list[Example]:
    """`examples` in the splits that `save_split` wrote, wherever the images lie now.

    Ends the program where an image has none there: to divide it anew could move what was learned from into devtest.
    """
    if all(example.split for example in examples):
        return divide(examples)
    split_of = {(row["cohort"], row["patient_id"], Path(row["path"]).name): row["split"] for row in _saved(path)}
    keys = [(example.cohort, example.patient_id, example.path.name) for example in examples]
    missing = [example.path for example, key in zip(examples, keys, strict=True) if key not in split_of]
    if missing:
        raise SystemExit(f"{path}: {len(missing)} images have no split there, such as {missing[0]}")
    saved = [replace(example, split=split_of[key]) for example, key in zip(examples, keys, strict=True)]
    check_splits(saved)
    return saved


def _saved(path: Path) -> list[dict[str, str]]:
    """The rows that `save_split` wrote."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            if not set(COLUMNS) <= set(rows.fieldnames or ()):
                raise SystemExit(f"{path}: expected the columns {', '.join(COLUMNS)}")
            return list(rows)
    except OSError as error:
        raise SystemExit(f"{path}: {error.strerror}: which image was in which split is not known") from error


def unseen(examples: Sequence[Example], seen: Sequence[Example]) -> list[Example]:
    """Those of `examples` that share neither a patient nor a film with `seen`. Reads the images of both."""
    patients = {example.patient_id for example in seen}
    others = [example for example in examples if example.patient_id not in patients]
    pairs = find_near_duplicates([*others, *seen])
    known = {one for one, other in pairs if one < len(others) <= other}
    return [example for place, example in enumerate(others) if place not in known]
