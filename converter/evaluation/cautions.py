"""What a reader of an evaluation has to know before any figure: a baseline that wins, films that were learned from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from converter.evaluation.cases import Case, Rival
from converter.evaluation.different_sources import of_different_sources
from converter.package.baseline import told_of, verdict
from converter.package.manifest import Manifest
from converter.page.counted import counted

CANNOT_TELL = (
    "Whether the model learned from any of these images cannot be told: its package does not say which films it was "
    "made from. Figures of films that were learned from mean nothing."
)


@dataclass(frozen=True)
class Overlap:
    """How many of the judged images the model was made from.

    known: whether that can be told at all. films: those with the pixels of a film that it was made from. patients:
    further ones, other films of patients that it was made from; None where patients cannot be compared.
    """

    known: bool
    films: int = 0
    patients: int | None = None


def cautions_of(
    manifest: Manifest,
    findings: Sequence[Mapping[str, Any]],
    overlap: Overlap | None,
    cases: Sequence[Case],
    rivals: Sequence[Rival],
    pooled: bool = False,
) -> list[dict[str, str]]:
    """{kind, text} of everything that speaks against the figures or the model, the gravest first. `pooled`: whether
    sources are thrown together, so that they may pass for the finding."""
    found = [{"kind": "learned-from", "text": text} for text in _learned_from(overlap, len(cases))]
    texts = _beaten(findings) if any(rival.baseline for rival in rivals) else iter(told_of(manifest.metrics))
    found += [{"kind": "baseline-wins", "text": text} for text in texts]
    elsewhere = of_different_sources(manifest.findings, cases) if pooled else iter(())
    return found + [{"kind": "different-sources", "text": text} for text in elsewhere]


def _learned_from(overlap: Overlap | None, images: int) -> Iterator[str]:
    if overlap is None or not (overlap.films or overlap.patients):
        return
    parts = [f"{counted(overlap.films, 'film')} of the {images} judged"] if overlap.films else []
    if overlap.patients:
        parts.append(f"{counted(overlap.patients, 'other film')} of patients whose films it was made from")
    yield (
        f"The model was made from what is judged here: it learned from, or was tuned on, {' and '.join(parts)}. The "
        "figures are too good and say nothing about new films. Judge it on others."
    )


def _beaten(findings: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The baselines of this evaluation that are not behind, on the images that both analysed."""
    for finding in findings:
        for group in finding["groups"]:
            for name, rival in group["rivals"].items():
                network, baseline = rival["auc_of_the_model"], rival["auc"]["value"]
                if group["kind"] not in ("all", "source") or not rival["baseline"] or None in (network, baseline):
                    continue
                if baseline >= network:
                    several = f" ({finding['meaning']})" if len(findings) > 1 else ""
                    yield verdict(f"{group['name']}{several}", baseline, network, name)
