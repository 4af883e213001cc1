"""Judge a package from outside: does it find the disease or the collection, and does the evidence lie in the lungs?

Measures, on the films in HILUM_DATA: adults whose healthy films come from several collections, beside a probe without
any idea of anatomy; how answers hold when films are turned, cut, framed and processed; what is left when the lungs are
painted over; whether the map finds opacities that are drawn; gaps between views, sexes and ages. `card --judged` puts
the figures into the card. Needs no TensorFlow.
"""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from converter.evaluation.wording import decimal, percent
from training.commands.arguments import add_data_argument, new_file
from training.data.cohorts import COHORTS
from training.data.recipe_data import folders
from training.judging.bench import CHILDREN, Bench
from training.judging.judgement import PARTS, build_judgement, is_measured
from training.judging.judgement_page import draw_judgement
from training.packaging.graph_model import Package, open_package

FILMS, FILMS_MIN, FILMS_MAX = 200, 20, 2000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="models/NAME/VERSION")
    add_data_argument(parser)
    parser.add_argument("--json", type=new_file, help="where the figures go")
    parser.add_argument("--html", type=new_file, help="where the page for people goes")
    parser.add_argument(
        "--films",
        type=number_of_films,
        default=FILMS,
        metavar="N",
        help=f"the most films of a population that are changed or painted, half of them healthy (default {FILMS})",
    )
    parser.add_argument("--only", choices=PARTS, nargs="+", default=list(PARTS), help="parts to measure (default: all)")
    parser.add_argument("--finding", help="which finding (default: the first that the films are labelled for)")


def run(arguments: argparse.Namespace) -> None:
    # 1. arguments
    if arguments.json is None and arguments.html is None:
        raise argparse.ArgumentError(None, "give --json, --html or both")
    package = open_package(arguments.folder)
    data = folders(CHILDREN[:1], arguments.data)[CHILDREN[0]]
    bench = Bench(package, place_of(package, arguments.finding), data, arguments.films, tell_progress)

    # 2. measure
    judgement = build_judgement(bench, arguments.only, f"{datetime.now(UTC):%Y-%m-%d}")

    # 3. write
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(judgement, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    if arguments.html is not None:
        arguments.html.write_text(draw_judgement(judgement), encoding="utf-8")
    tell(judgement)
    print(*(f"{file}: written" for file in (arguments.json, arguments.html) if file is not None), sep="\n")


def number_of_films(text: str) -> int:
    """A `type` for argparse: so few films that figures can be stated, and so many that memory holds them."""
    number = int(text)
    if not FILMS_MIN <= number <= FILMS_MAX:
        raise argparse.ArgumentTypeError(f"{text} is not between {FILMS_MIN} and {FILMS_MAX}")
    return number


def place_of(package: Package, wanted: str | None) -> int:
    """The place of a finding among those of the package. Ends the program where it has none that films are labelled
    for."""
    names = [finding.name for finding in package.manifest.findings]
    labelled = COHORTS[CHILDREN[0]].findings
    if wanted is not None and wanted not in names:
        raise SystemExit(f"{package.label} has no finding {wanted}; it has {', '.join(names)}")
    chosen = wanted or next((name for name in names if name in labelled), None)
    if chosen is None or chosen not in labelled:
        raise SystemExit(
            f"{package.label}: the films at hand are labelled for {', '.join(labelled)}, not for "
            f"{wanted or ' or '.join(names)}; there is nothing to judge it on"
        )
    return names.index(chosen)


def tell_progress(what: str) -> None:
    print(f"... {what}", flush=True)


def tell(judgement: dict[str, Any]) -> None:
    """What came of each part, in short."""
    parts = judgement["parts"]
    for part, found in parts.items():
        if "not_measured" in found:
            print(f"{part}: not measured: {found['not_measured']}")
    if is_measured(parts, "mixed-sources"):
        mixed = parts["mixed-sources"]
        for one in mixed["finding_against"]:
            print(f"adults against healthy of {one['name']}: auc {decimal(one['auc'])}  probe {decimal(one['probe'])}")
        print(f"mean of the collections: auc {decimal(mixed['mean']['auc'])}  probe {decimal(mixed['mean']['probe'])}")
        for one in mixed["healthy_against_healthy"]:
            print(f"healthy, {one['name']}: auc {decimal(one['auc'])} (0.5 is right)  probe {decimal(one['probe'])}")
    if is_measured(parts, "lung-evidence"):
        for one in parts["lung-evidence"]["paints"]:
            print(f"{one['name']}: auc {decimal(one['auc'])}")
        place = parts["lung-evidence"]["map"]
        print(f"map inside the lungs {percent(place['inside'])}, its peak {percent(place['peak_inside'])}")
    if is_measured(parts, "pointing"):
        for one in parts["pointing"]["sizes"]:
            shares = (f"{key} {percent(one[key])}" for key in ("pointed", "fell", "marked", "cross"))
            print(f"opacity of {one['sigma']:.0%}: {'  '.join(shares)}")
    for caution in judgement["cautions"]:
        print(f"WARNING: {caution['text']}")
