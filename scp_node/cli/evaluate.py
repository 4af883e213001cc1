"""`hilum evaluate`: how well a model reads a site's own labelled images, as a page, as JSON and in the terminal."""

from __future__ import annotations

import json as json_format
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scp_node.cli.predict import FAILED, ModelsDirOption, chosen_package, find_images, outcomes_of, report
from scp_node.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from converter.evaluation.cases import Case, Rival
    from converter.evaluation.gallery import Gallery
    from converter.evaluation.labels import Label
    from converter.package.manifest import Manifest
    from scp_node.analysis.labelled_images import LabelledImage, Matched
    from scp_node.analysis.predictor import Outcome, Prediction
    from scp_node.inference.packages import ModelPackage

LABEL_FILE_BYTES_MAX = 64_000_000
PREVIEW_SIDE = 512
THIS_SITE = "this site"


def evaluate(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of DICOM, PNG or JPEG files.")],
    labels: Annotated[
        Path, typer.Option(metavar="CSV", exists=True, dir_okay=False, help="One row an image; see below.")
    ],
    model: Annotated[
        str | None, typer.Option(metavar="NAME[@VERSION]", help="Model package; the only one there is if absent.")
    ] = None,
    compare: Annotated[
        list[str] | None, typer.Option(metavar="NAME[@VERSION]", help="Other packages, on the same images.")
    ] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page for people there.")] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the same figures there.")] = None,
    pictures: Annotated[
        bool, typer.Option("--pictures/--no-pictures", help="Show some of the radiographs on the page.")
    ] = True,
    threads: Annotated[
        int, typer.Option(min=0, help="CPU threads of the model and decoding processes; 0 = what the machine has.")
    ] = 0,
    models_dir: ModelsDirOption = None,
) -> None:
    """Judge a model on labelled radiographs of your own. Nothing is sent anywhere. Research use only.

    The label file has the column file (path in the folder) or sop_instance_uid; and label (1 or 0), or a column for
    each finding of the model; if wanted patient_id, source, view, sex, age. What it does not say is taken from DICOM
    headers. Exit 0 done, 1 an image failed or is missing, 2 wrong usage or label file, 3 every image was declined.
    """
    package = chosen_package(models_dir, model)
    others = [chosen_package(models_dir, other) for other in compare or ()]
    wanted = _read(labels, package.manifest)
    for file in filter(None, (html, json)):
        _try_to_write(file)
    from converter.evaluation.page import draw_page
    from converter.evaluation.report import Setting, build_report
    from scp_node.analysis.labelled_images import match

    matched = match(folder, find_images([folder]), wanted)
    for label, why in matched.without_image:
        print(f"{labels}:{label.line}: {label.file or label.sop_instance_uid}: {why}", file=sys.stderr)
    answered = [image for image in matched.images if image.label.truth]
    if not answered:
        raise UsageError(f"no image of {folder} has a row with an answer in {labels}")

    judging = Judging(package.manifest, folder, answered, pictures and html is not None)
    code = judging.run(package, threads)
    setting = Setting(
        title=f"{len(judging.cases)} labelled images of {THIS_SITE}",
        created=f"{datetime.now(UTC):%Y-%m-%d}",
        pooled=True,
        patients_known=all(image.label.patient for image in answered),
        unjudged=_unjudged(folder, matched, judging),
    )
    found = build_report(
        package.manifest, judging.cases, setting, [rival_of(other, judging, threads) for other in others]
    )
    if json is not None:
        json.write_text(json_format.dumps(found, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    if html is not None:
        html.write_text(draw_page(found, judging.pictures()), encoding="utf-8")
    for line in summary(found):
        typer.echo(line)
    raise typer.Exit(FAILED if matched.without_image else code)


class Judging:
    """Takes the predictions of one package as `hilum predict` would show them, and makes cases of them."""

    def __init__(
        self,
        manifest: Manifest,
        folder: Path,
        images: Sequence[LabelledImage],
        with_pictures: bool = False,
        says_declined: bool = True,
    ) -> None:
        from converter.evaluation.gallery import Gallery

        self.manifest, self.folder, self._says_declined = manifest, folder, says_declined
        self.images = {image.path: image for image in images}
        self.cases: list[Case] = []
        self.failed: list[dict[str, str]] = []
        self._galleries: dict[str, Gallery] = {
            finding.name: Gallery(finding.name, finding.operating_threshold, len(manifest.findings))
            for finding in manifest.findings
            if with_pictures
        }

    def run(self, package: ModelPackage, threads: int) -> int:
        """Analyse every image; the exit code of `hilum predict`."""
        paths = list(self.images)
        with closing(outcomes_of(package, paths, PREVIEW_SIDE, threads=threads)) as outcomes:
            return report(self._watched(outcomes), len(paths), [self], "evaluate")

    def add(self, path: Path, prediction: Prediction) -> None:
        image = self.images[path]
        label = image.label
        from converter.evaluation.cases import Case

        name = path.relative_to(self.folder).as_posix()
        case = Case(
            name=name,
            patient=label.patient or f"file {name}",
            source=label.source or THIS_SITE,
            truth=label.truth,
            probability={finding.name: finding.probability for finding in prediction.findings},
            declined=prediction.declined,
            view=label.view,
            sex=label.sex,
            age_years=label.age_years,
        )
        self.cases.append(case)
        if prediction.declined is not None and self._says_declined:
            _say(f"{name}: declined, {prediction.declined.code}: {prediction.declined.reason}")
        elif prediction.converted is not None and prediction.cam is not None and image.may_be_shown:
            for finding, cam in zip(self.manifest.findings, prediction.cam, strict=True):
                if finding.name in self._galleries:
                    self._galleries[finding.name].add(len(self.cases), case, prediction.converted.preview, cam)

    def end(self) -> None:
        pass

    def pictures(self) -> dict[str, list[Any]]:
        return {name: list(gallery.pictures()) for name, gallery in self._galleries.items()}

    def _watched(self, outcomes: Iterable[tuple[Path, Outcome]]) -> Iterator[tuple[Path, Outcome]]:
        """The same, with what could not be read noted: the report counts and names it."""
        for path, outcome in outcomes:
            if isinstance(outcome, Exception):
                name = path.relative_to(self.folder).as_posix()
                self.failed.append({"file": name, "code": outcome.code, "message": str(outcome)})
            yield path, outcome


def rival_of(package: ModelPackage, judging: Judging, threads: int) -> Rival:
    """What another package says of the same images."""
    from converter.evaluation.cases import Rival

    manifest = package.manifest
    other = Judging(manifest, judging.folder, list(judging.images.values()), says_declined=False)
    other.run(package, threads)
    probability = {case.name: case.probability for case in other.cases}
    return Rival(
        f"{manifest.name} {manifest.version}",
        [probability.get(case.name, {}) for case in judging.cases],
        {finding.name: finding.operating_threshold for finding in manifest.findings},
    )


def summary(found: dict[str, Any]) -> Iterator[str]:
    """The figures of each finding and source, for the terminal."""
    from converter.evaluation.wording import counted, decimal, percent

    for finding in found["findings"]:
        for group in finding["groups"]:
            if group["kind"] in ("all", "source"):
                declined = f", {group['declined']} declined" if group["declined"] else ""
                images = f"{counted(group['images'], 'image')} analysed, {group['positives']} with it{declined}"
                yield f"{finding['meaning']}, {group['name']}: {images}"
                yield f"  AUC          {decimal(group['auc'])}"
                yield f"  sensitivity  {percent(group['sensitivity'])} at {finding['threshold']:g}"
                yield f"  specificity  {percent(group['specificity'])}"
                yield f"  calibration  {decimal(group['ece'])} (error), Brier {decimal(group['brier'])}"
                both = group["declined_as_negative"]
                if both is not None:
                    yield (
                        f"  with declined images as negative: sensitivity {percent(both['sensitivity'])}, specificity "
                        f"{percent(both['specificity'])}"
                    )


def _read(path: Path, manifest: Manifest) -> Sequence[Label]:
    from converter.evaluation.labels import read_labels

    if path.stat().st_size > LABEL_FILE_BYTES_MAX:
        raise UsageError(f"{path}: larger than {LABEL_FILE_BYTES_MAX} bytes")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}:1: not UTF-8 (save it as 'CSV UTF-8')") from error
    read = read_labels(text, [finding.name for finding in manifest.findings])
    if read.problems:
        raise ConfigurationError("\n".join(f"{path}:{problem}" for problem in read.problems))
    if read.ignored:
        _say(f"{path}: columns not used: {', '.join(read.ignored)}")
    return read.rows


def _unjudged(folder: Path, matched: Matched, judging: Judging) -> dict[str, list[dict[str, str]]]:
    unanswered = [image.path for image in matched.images if not image.label.truth]
    return {
        "unreadable": judging.failed,
        "unlabelled": [{"file": path.relative_to(folder).as_posix()} for path in matched.unlabelled],
        "without_image": [
            {"line": str(label.line), "label": label.file or label.sop_instance_uid, "message": why}
            for label, why in matched.without_image
        ],
        "without_answer": [{"file": path.relative_to(folder).as_posix()} for path in unanswered],
    }


def _try_to_write(file: Path) -> None:
    """An hour of analysis must not end at a page that cannot be written."""
    is_new = not file.exists()
    try:
        file.open("ab").close()
    except OSError as error:
        raise UsageError(f"{file}: cannot be written: {error.strerror}") from error
    if is_new:
        file.unlink()


def _say(line: str) -> None:
    print(f"hilum evaluate: {line}", file=sys.stderr)
