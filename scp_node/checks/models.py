"""Model packages that routes name: there, unaltered, pinned, made for what the route takes; and do they run here."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scp_node.checks.result import CheckedNode, CheckResult, obstacle, ok, warning
from scp_node.errors import HilumError, ModelMissing, ModelUnusable
from scp_node.inference.packages import Folders, ModelPackage, find_package, read_reference
from scp_node.settings import Route
from scp_node.settings.places import model_folders
from scp_node.settings.strict_yaml import Loc

_SENTENCE_END = re.compile(r"(?:(?<=\.\.\.)|\.) (?=[A-Z])")


def model_packages(node: CheckedNode) -> Iterator[CheckResult]:
    """What the files tell: manifest, hash of the graph, reference inputs. Nothing is loaded."""
    folders, own = model_folders(node.settings), node.settings.inference.models_dir
    if own is not None and not own.is_dir():
        what = "Put packages there as NAME/VERSION/, or leave inference.models_dir out; see 'hilum models add'."
        yield obstacle(f"{own} is no folder: there are no model packages", what, ("inference", "models_dir"))
        return
    for number, route in enumerate(node.settings.routes):
        loc: Loc = ("routes", number)
        package = None
        try:
            package = find_package(folders, route.model)
            _prove(package)
        except ModelUnusable as error:
            fact, remedy = _told(error)
            yield obstacle(f"route '{route.name}': {fact}", remedy, (*loc, "model"))
        else:
            yield ok(f"{package.label} ({route.name}): manifest, graph and reference inputs are as published")
            yield from _cautions(route, package, loc)
        if route.shadow is not None:
            yield from _second(folders, route, route.shadow, package, (*loc, "shadow"))


def models_run(node: CheckedNode) -> Iterator[CheckResult]:
    """Load each package as the worker does, and replay its reference inputs: seconds, and memory of its own."""
    from scp_node.checks.package import check_package

    settings = node.settings
    for number, route in enumerate(settings.routes):
        if route.model in [earlier.model for earlier in settings.routes[:number]]:
            continue
        try:
            *_, last = check_package(find_package(model_folders(settings), route.model).folder, settings.inference)
        except HilumError as error:
            yield obstacle(*_told(error), ("routes", number, "model"))
        else:
            yield ok(f"{route.model}: {last.detail}")


def _prove(package: ModelPackage) -> None:
    """Raises ModelUnusable."""
    package.read_weights()
    read_reference(package)


def _second(folders: Folders, route: Route, shadow: str, first: ModelPackage | None, loc: Loc) -> Iterator[CheckResult]:
    """A second model has to be there; the node also runs when it is broken."""
    try:
        package = find_package(folders, shadow)
        if first is not None and package.label == first.label:
            fact = f"{shadow} is what '{route.model}' stands for itself"
            yield obstacle(fact, "Name another version, or leave it out.", loc)
            return
        _prove(package)
    except ModelMissing as error:
        yield obstacle(*_told(error), loc)
    except ModelUnusable as error:
        fact, remedy = _told(error)
        yield warning(f"{fact}; no image is scored by it", remedy, loc)
    else:
        yield ok(f"{package.label} (in the shadow): manifest, graph and reference inputs are as published")


def _cautions(route: Route, package: ModelPackage, loc: Loc) -> Iterator[CheckResult]:
    if "@" not in route.model:
        yield warning(
            f"'{route.model}' stands for the highest version there is, today {package.label}: the next upgrade may "
            "bring another one",
            f"Write model: {package.label}.",
            (*loc, "model"),
        )
    made_for = package.manifest.intended_use.modalities
    for position, modality in enumerate(route.when.modality):
        if modality not in made_for:
            yield warning(
                f"{package.label} was made for {'/'.join(made_for)}: every image of {modality} will be declined",
                "Take it out, or name another model.",
                (*loc, "when", "modality", position),
            )


def _told(error: HilumError) -> tuple[str, str]:
    """What happened, and what to do: the sentences after the first."""
    what, *remedy = _SENTENCE_END.split(str(error), 1)
    if isinstance(error, ModelMissing):
        return what, "Name one of those that are there, or put the package there."
    return what, remedy[0] if remedy else "Restore the package from where it was published."
