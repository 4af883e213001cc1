"""Which images a package is judged on: a split of those it was made from, and of others the patients it never saw."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from converter.package.manifest import Manifest
from training.data.cohorts import Example
from training.data.recipe_data import IN_THE_MANIFEST, load_recipe_data, recipe_cohorts
from training.data.splits import LEARNED_FROM, select, unseen
from training.judging.judge_package import CohortFolder

# Judged as well where it is at hand: no package is trained on it, so every image of it is new.
NEVER_TRAINED_ON = ("hannover512",)
WHOLE = "all (never trained on)"
PART = "those that training never saw"


@dataclass(frozen=True)
class JudgedImages:
    """names: cohorts; splits: what of each is judged; sources: where each lies; learned, decided: the train and val
    images of the package."""

    names: tuple[str, ...]
    examples: tuple[Example, ...]
    splits: dict[str, str]
    sources: dict[str, CohortFolder]
    learned: tuple[Example, ...]
    decided: tuple[Example, ...] = ()


def images_to_judge(
    manifest: Manifest, cohorts: Sequence[str] | None, wanted: Sequence[str], data: Sequence[str], run: Path | None
) -> JudgedImages:
    """The splits `wanted` of the cohorts trained on, and of others all that training did not see.

    `run`: the run that the package was made of, whose split.csv says what its splits are. Ends the program where
    nothing is to be judged, or where the splits would be others than those of training.
    """
    trained_on = [cohort.name for cohort in manifest.cohorts]
    names = tuple(dict.fromkeys(cohorts or (*trained_on, *others_at_hand(trained_on))))
    divided = load_recipe_data(trained_on, data, run)
    if run is None:
        check_division(manifest, divided, data)
    parts = [name for name in names if name in trained_on]
    examples = [example for split in wanted for example in select(divided, split, parts)]
    splits = dict.fromkeys(parts, " + ".join(wanted))
    known = recipe_cohorts(names, data, run)
    seen = [example for example in divided if example.split in LEARNED_FROM]
    for name in [name for name in names if name not in trained_on]:
        cohort, folder = known[name]
        whole = cohort.load(folder)
        new = unseen(whole, seen)
        splits[name] = WHOLE if len(new) == len(whole) else PART
        examples += new
    if not examples:
        raise SystemExit(f"no image of {', '.join(names)} is in {' + '.join(wanted)}")
    sources = {name: CohortFolder(folder, cohort.findings) for name, (cohort, folder) in known.items()}
    learned, decided = (tuple(select(divided, split, trained_on)) for split in ("train", "val"))
    return JudgedImages(names, tuple(examples), splits, sources, learned, decided)


def check_division(manifest: Manifest, examples: Sequence[Example], data: Sequence[str]) -> None:
    """End the program where images without a published split are divided otherwise than for training.

    A film more or less moves others from one split to another: what was learned from would be judged.
    """
    for name, (cohort, folder) in recipe_cohorts([cohort.name for cohort in manifest.cohorts], data).items():
        if all(example.split for example in cohort.load(folder)):
            continue
        images = len(select(examples, "train", [name]))
        (trained_on,) = [cohort.images for cohort in manifest.cohorts if cohort.name == name]
        if images != trained_on:
            raise SystemExit(
                f"{name}: {images} images to learn from are here, the package learned from {trained_on}: the division "
                "is not that of its training. Give --run RUN, the folder of the run that it was made of"
            )


def others_at_hand(trained_on: Iterable[str]) -> tuple[str, ...]:
    """What else lies in the same manifest.csv and may be judged."""
    return NEVER_TRAINED_ON if IN_THE_MANIFEST & set(trained_on) else ()
