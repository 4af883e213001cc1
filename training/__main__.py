"""python -m training COMMAND: each command with its purpose; its module is imported when it is asked for."""

from __future__ import annotations

import argparse
import difflib
import importlib
import sys
from collections.abc import Sequence

PROGRAM = "python -m training"
# In the order of work. The module of `size-leak` is training.commands.size_leak; it has `add_arguments` and `run`.
COMMANDS = {
    "cohorts": "list the cohorts, or count the images in the folder of one",
    "init-recipe": "write a recipe from a folder of labelled pictures of your own",
    "dataset-statistics": "mean and standard deviation of gray values over a recipe's train split",
    "train": "teach a network by a recipe and keep its averaged weights",
    "tune": "try numbers of a recipe's search space and write the best recipe",
    "baselines": "what models without any idea of anatomy reach on the same splits",
    "from-package": "make a run to start from, out of a model package's weights",
    "mean-weights": "make a run whose weights are the mean of those of other runs",
    "package": "calibrate a run's network and write it as a model package",
    "gate": "fetch pictures, fit an input gate, attach it to a package, measure it",
    "lungs": "fit the network that outlines lungs, measure it, look at its outlines",
    "evaluate": "judge a package on images it never saw, as the node would",
    "judge": "what a package leans on: collections, framing, lungs; whether its map points",
    "card": "write measured figures into manifest.yaml, and CARD.md",
    "size-leak": "whether the size or aspect of a film gives its label away",
    "distribution": "measure what a package's films and scores are like, into its manifest",
    "quantize": "write a package in int8 or float16, where that costs nothing",
    "latency": "how long one image takes, with and without map and gate",
}


def main(given: Sequence[str] | None = None) -> None:
    words = sys.argv[1:] if given is None else list(given)
    if not words or words[0] in ("-h", "--help"):
        print(overview())
        return
    name, *rest = words
    if name not in COMMANDS:
        print(unknown(name), file=sys.stderr)
        raise SystemExit(2)
    try:
        run(name, rest)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("training"):
            raise
        raise SystemExit(
            f"{PROGRAM} {name} needs {error.name}, which is not installed: pip install -e '.[cpu,training]'"
        ) from error


def run(name: str, given: Sequence[str]) -> None:
    command = importlib.import_module(f"training.commands.{name.replace('-', '_')}")
    parser = argparse.ArgumentParser(
        prog=f"{PROGRAM} {name}",
        description=command.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_arguments(parser)
    try:
        command.run(parser.parse_args(given))
    except argparse.ArgumentError as error:  # what only the arguments together can tell
        parser.error(error.message or str(error))


def overview() -> str:
    lines = [f"usage: {PROGRAM} COMMAND ...", "", "From labelled radiographs to a model package.", "", "commands:"]
    lines += [f"  {name:20}{purpose}" for name, purpose in COMMANDS.items()]
    return "\n".join([*lines, "", f"{PROGRAM} COMMAND --help tells the arguments of one."])


def unknown(name: str) -> str:
    near = difflib.get_close_matches(name.replace("_", "-"), COMMANDS, 1)
    hint = f"Did you mean '{near[0]}'?" if near else f"{PROGRAM} lists the commands."
    return f"{PROGRAM}: there is no command '{name}'\n    {hint}"


if __name__ == "__main__":
    main()
