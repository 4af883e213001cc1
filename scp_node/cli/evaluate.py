"""`hilum evaluate`: how well a model reads a site's own labelled images, as a page, as JSON and in the terminal."""

from __future__ import annotations

import json as json_format
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scp_node.cli.options import ModelOption, ModelsDirOption
from scp_node.cli.terminal import say
from scp_node.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from converter.evaluation.changes import Gray
    from scp_node.analysis.changed_films import KeptFilms
    from scp_node.analysis.evaluation import Judging
    from scp_node.analysis.labelled_images import LabelledImage, Matched
    from scp_node.cli.judgements import DeclinedNames
    from scp_node.inference.packages import ModelPackage

CompareOption = Annotated[
    list[str] | None, typer.Option(metavar="NAME[@VERSION]", help="Other packages, on the same images.")
]
CHANGED_FILMS, CHANGED_FILMS_MAX = 24, 200
ChangedFilmsOption = Annotated[
    int,
    typer.Option(
        min=0,
        max=CHANGED_FILMS_MAX,
        metavar="N",
        help="So many films are turned, cut, framed and processed, to see whether the answers hold; 0 = none.",
    ),
]
ThreadsOption = Annotated[
    int, typer.Option(min=0, help="CPU threads of the model and decoding processes; 0 = what the machine has.")
]


def evaluate(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of DICOM, PNG or JPEG files.")],
    labels: Annotated[
        Path, typer.Option(metavar="CSV", exists=True, dir_okay=False, help="One row an image; see below.")
    ],
    model: ModelOption = None,
    compare: CompareOption = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page for people there.")] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the same figures there.")] = None,
    pictures: Annotated[
        bool, typer.Option("--pictures/--no-pictures", help="Show some of the radiographs on the page.")
    ] = True,
    changed_films: ChangedFilmsOption = CHANGED_FILMS,
    threads: ThreadsOption = 0,
    models_dir: ModelsDirOption = None,
) -> None:
    """Judge a model on labelled radiographs of your own. Nothing is sent anywhere. Research use only.

    The label file has the column file (path in the folder) or sop_instance_uid; and label (1 or 0), or a column for
    each finding of the model; if wanted patient_id, source, view, sex, age. What it does not say is taken from DICOM
    headers. Exit 0 done, 1 an image failed or is missing, 2 wrong usage or label file, 3 every image was declined.
    """
    from scp_node.analysis.evaluation import Judging, build_site_report
    from scp_node.analysis.files import chosen_package
    from scp_node.cli.judgements import DeclinedNames
    from scp_node.inference.packages import read_learned

    package, *others = (chosen_package(models_dir, name) for name in (model, *(compare or ())))
    matched = _match(folder, labels, package, filter(None, (html, json)))
    answered = _answered(folder, labels, matched)
    kept = _kept(package, answered, changed_films)
    judging = Judging(package.manifest, folder, answered, pictures and html is not None, kept)
    code = _run(package, judging, threads, [DeclinedNames(judging)])
    rivals = [_judged_by(other, folder, answered, threads) for other in others]
    robust = _robustness(package, kept.of(answered), threads)
    found = build_site_report(judging, matched, datetime.now(UTC), rivals, read_learned(package), robust)
    _write(found, judging, html, json)
    raise typer.Exit(ExitCode.FAILED if matched.without_image else code)


def _match(folder: Path, labels: Path, package: ModelPackage, files: Iterable[Path]) -> Matched:
    """Images with their rows. What is wrong with labels or with the files to be written is told before that."""
    from scp_node.analysis.evaluation import read_label_file
    from scp_node.analysis.files import find_images
    from scp_node.analysis.labelled_images import match
    from scp_node.cli.judgements import tell

    read = read_label_file(labels, package.manifest)
    if read.ignored:
        tell(f"{labels}: columns not used: {', '.join(read.ignored)}")
    for file in files:
        _try_to_write(file)
    matched = match(folder, find_images([folder]), read.rows)
    for label, why in matched.without_image:
        say(f"{labels}:{label.line}: {label.file or label.sop_instance_uid}: {why}", error=True)
    return matched


def _answered(folder: Path, labels: Path, matched: Matched) -> list[LabelledImage]:
    answered = [image for image in matched.images if image.label.truth]
    if not answered:
        raise UsageError(f"no image of {folder} has a row with an answer in {labels}")
    return answered


def _judged_by(package: ModelPackage, folder: Path, answered: list[LabelledImage], threads: int) -> Judging:
    """What another model says of the same images."""
    from scp_node.analysis.evaluation import Judging

    judging = Judging(package.manifest, folder, answered)
    _run(package, judging, threads, [])
    return judging


def _run(package: ModelPackage, judging: Judging, threads: int, shows: list[DeclinedNames]) -> ExitCode:
    """Analyse every image; the exit code of `hilum predict`."""
    from converter.image.film_digest import DIGEST_SIDE
    from scp_node.analysis.files import outcomes_of
    from scp_node.cli.outcomes import show_outcomes

    paths = list(judging.images)
    with closing(outcomes_of(package, paths, DIGEST_SIDE, threads=threads)) as outcomes:
        return show_outcomes(judging.watched(outcomes), len(paths), shows, "evaluate")


def _kept(package: ModelPackage, images: list[LabelledImage], films_max: int) -> KeptFilms:
    """Keeps the films that are changed once all are analysed."""
    from scp_node.analysis.changed_films import KeptFilms, films_to_change

    return KeptFilms(films_to_change(images, package.manifest.findings[0].name, films_max))


def _robustness(
    package: ModelPackage, films: Sequence[tuple[LabelledImage, Gray]], threads: int
) -> list[dict[str, Any]]:
    from scp_node.analysis.changed_films import changed_films
    from scp_node.analysis.evaluation import THIS_SITE
    from scp_node.cli.judgements import tell

    return changed_films(package, films, THIS_SITE, threads, lambda name: tell(f"changed films: {name}"))


def _write(found: dict[str, Any], judging: Judging, html: Path | None, json: Path | None) -> None:
    from converter.evaluation.page import draw_page
    from scp_node.cli.judgements import summary

    if json is not None:
        json.write_text(json_format.dumps(found, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    if html is not None:
        html.write_text(draw_page(found, judging.pictures()), encoding="utf-8")
    for line in summary(found):
        say(line)


def _try_to_write(file: Path) -> None:
    """An hour of analysis must not end at a page that cannot be written."""
    is_new = not file.exists()
    try:
        file.open("ab").close()
    except OSError as error:
        raise UsageError(f"{file}: cannot be written: {error.strerror}") from error
    if is_new:
        file.unlink()
