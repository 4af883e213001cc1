"""What the films and scores of a package are like on the split that decided: a node compares its own with it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from converter.declined import Declined
from converter.image.convert import Converted
from converter.package.distribution import Distribution
from converter.package.image_statistics import input_statistics, measure_distribution
from converter.package.network import InputSpec
from training.data.cohorts import Example
from training.data.images import READERS, convert_film
from training.packaging.scores import Array


def distribution_of(
    fitted_on: str, names: Sequence[str], spec: InputSpec, examples: Sequence[Example], probability: Array
) -> Distribution:
    """How scores [n, findings] and films are spread over the `examples` that decided."""
    with ThreadPoolExecutor(READERS) as pool:
        films = list(pool.map(lambda example: convert_film(example.path, spec), examples))
    scored = [n for n, film in enumerate(films) if isinstance(film, Converted)]
    statistics = [input_statistics(film.preview) for film in films if isinstance(film, Converted)]
    refused = [film for film in films if isinstance(film, Declined)]
    if not scored:
        raise SystemExit(
            f"every film of {fitted_on} is declined, the first one for {refused[0].code}: {refused[0].reason}"
        )
    return measure_distribution(fitted_on, names, probability[scored], statistics, len(refused))
