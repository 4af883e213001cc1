"""python -m training distribution FOLDER: measure what films and scores of a package are like, into its manifest.

A node compares its own with it (scp_node.monitoring.drift). `training package` does so by itself; this is for earlier
packages.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from converter.declined import Declined
from converter.image.convert import Converted, convert
from converter.package.distribution import Distribution
from converter.package.image_statistics import input_statistics, measure_distribution
from converter.package.network import InputSpec
from training.data.cohorts import Example
from training.data.images import load_model_inputs
from training.data.recipe_data import add_data_argument, load_recipe_data
from training.data.splits import select
from training.packaging.manifest_file import read_manifest, write_manifest
from training.packaging.scores import Array, score

PREVIEW_SIDE_MAX = 512
PIXELS_MAX = 100_000_000
READERS = 2


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training distribution", description=__doc__)
    parser.add_argument("folder", type=Path, help="models/NAME/VERSION")
    parser.add_argument("--cohorts", nargs="+", required=True, help="whose val films the package was calibrated on")
    add_data_argument(parser)
    arguments = parser.parse_args()
    manifest = read_manifest(arguments.folder)
    cohorts = dict.fromkeys(arguments.cohorts)
    films = select(load_recipe_data(cohorts, arguments.data), "val", cohorts)
    graph = (arguments.folder / "model.onnx").read_bytes()
    probability = score(graph, load_model_inputs(films, manifest.input)).probability
    names = [finding.name for finding in manifest.findings]
    measured = distribution_of(f"{'+'.join(cohorts)} val", names, manifest.input, films, probability)
    write_manifest(arguments.folder / "manifest.yaml", manifest.model_copy(update={"distribution": measured}))
    print(f"{arguments.folder}: {measured.images} films of {measured.fitted_on}")


def distribution_of(
    fitted_on: str, names: Sequence[str], spec: InputSpec, examples: Sequence[Example], probability: Array
) -> Distribution:
    """How scores [n, findings] and films are spread over the `examples` that decided."""

    def convert_one(example: Example) -> Converted | Declined:
        return convert(example.path, spec, None, PREVIEW_SIDE_MAX, PIXELS_MAX)

    with ThreadPoolExecutor(READERS) as pool:
        films = list(pool.map(convert_one, examples))
    scored = [n for n, film in enumerate(films) if isinstance(film, Converted)]
    statistics = [input_statistics(film.preview) for film in films if isinstance(film, Converted)]
    refused = [film for film in films if isinstance(film, Declined)]
    if not scored:
        raise SystemExit(
            f"every film of {fitted_on} is declined, the first one for {refused[0].code}: {refused[0].reason}"
        )
    return measure_distribution(fitted_on, names, probability[scored], statistics, len(refused))


if __name__ == "__main__":
    main()
