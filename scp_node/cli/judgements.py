"""How `hilum evaluate` shows what it found: declined images as they come, the figures at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from converter.evaluation.cautions import CANNOT_TELL
from converter.evaluation.robustness import weak_points
from converter.evaluation.wording import decimal, percent
from converter.page.counted import counted
from scp_node.analysis.evaluation import Judging
from scp_node.analysis.predictor import Prediction
from scp_node.cli.terminal import say


class DeclinedNames:
    """Names each declined image on standard error, as soon as it is known."""

    def __init__(self, judging: Judging) -> None:
        self._judging = judging

    def add(self, path: Path, prediction: Prediction) -> None:
        if prediction.declined is not None:
            name, declined = self._judging.name_of(path), prediction.declined
            tell(f"{name}: declined, {declined.code}: {declined.reason}")

    def end(self) -> None:
        pass


def summary(found: dict[str, Any]) -> Iterator[str]:
    """What speaks against them, then the figures of each finding and source."""
    for caution in found["cautions"]:
        yield f"WARNING: {caution['text']}"
    if found["learned_from"] is not None and not found["learned_from"]["known"]:
        yield CANNOT_TELL
    for finding in found["findings"]:
        for group in finding["groups"]:
            if group["kind"] not in ("all", "source"):
                continue
            declined = f", {group['declined']} declined" if group["declined"] else ""
            images = f"{counted(group['images'], 'image')} analysed, {group['positives']} with it{declined}"
            yield f"{finding['meaning']}, {group['name']}: {images}"
            yield f"  AUC          {decimal(group['auc'])}"
            yield f"  sensitivity  {percent(group['sensitivity'])} at {finding['threshold']:g}"
            yield f"  specificity  {percent(group['specificity'])}"
            yield f"  calibration  {decimal(group['ece'])} (error), Brier {decimal(group['brier'])}"
            both = group["declined_as_negative"]
            if both is not None:
                sensitivity, specificity = percent(both["sensitivity"]), percent(both["specificity"])
                yield f"  with declined images as negative: sensitivity {sensitivity}, specificity {specificity}"
    yield from _of_changed_films(found)


def _of_changed_films(found: dict[str, Any]) -> Iterator[str]:
    for one in found["robustness"]:
        weak = "; ".join(weak_points(one)) or "the answers hold, as far as so many films can tell"
        yield f"{counted(one['films'], 'film')} of {one['name']}, changed: {weak}"


def tell(line: str) -> None:
    say(f"hilum evaluate: {line}", error=True)
