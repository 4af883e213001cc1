"""Whether a film shows lungs, and the whole of them, by the outline that a model gives."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from converter.declined import Declined
from converter.package.lungs import Lungs, Outline, inside
from converter.result.lung_sides import two_lungs

NOT_FOUND = "no lungs were outlined; the whole film was analysed"


def are_found(rules: Lungs, outline: Outline) -> bool:
    """Whether there are lungs in `outline` [h, w]. Where there are none, the graph looked at the whole film."""
    lung = inside(outline)
    if lung.mean() < rules.area_min:
        return False
    return all(_extent(lung.sum(axis), rules.beyond) >= rules.side_min for axis in (0, 1))


def refusal(rules: Lungs, outline: Outline) -> Declined | None:
    """Why a film with the lungs of `outline` [h, w] is not analysed: they leave it at an edge, told as displayed, or
    there is one in its middle and no other; see Lungs for the rules."""
    lung = inside(outline)
    edges = {"upper": lung[0], "lower": lung[-1], "left": lung[:, 0], "right": lung[:, -1]}
    name, share = max(((one, float(cells.mean())) for one, cells in edges.items()), key=lambda edge: edge[1])
    if share <= rules.edge_max:
        return _half_film(rules, lung)
    touched = math.ceil(100 * share)  # 35.2 % is not to be read as 35 %, more than 35 %
    return Declined(
        "lungs-not-whole",
        f"the lungs leave the film at its {name} edge (along {touched} % of it, more than {100 * rules.edge_max:g} %)",
    )


def _half_film(rules: Lungs, lung: NDArray[np.bool_]) -> Declined | None:
    middle = lung.shape[1] // 2
    on_each_side = lung[:, :middle].sum(), lung[:, middle:].sum()
    if two_lungs(lung) is not None or min(on_each_side) < rules.middle_min * lung.sum():
        return None
    return Declined("lungs-not-whole", "one lung is outlined, in the middle of the film, and no other beside it")


def as_note(declined: Declined) -> str:
    """What a result says of a film that would have been declined, where a site only wants to be told."""
    return f"the outline of the lungs would have declined the image [{declined.code}]: {declined.reason}"


def _extent(mass: NDArray[np.int_], beyond: float) -> float:
    """Share of the film from the first to the last cell that is not beyond, of the mass of each row or column."""
    allowed = beyond * mass.sum()
    before, after = (int((np.cumsum(one) <= allowed).sum()) for one in (mass, mass[::-1]))
    return 1 - (before + after) / mass.size
