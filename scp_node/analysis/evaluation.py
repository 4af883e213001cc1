"""Judges a model package on labelled images: reads the labels, makes a case of each image, and builds the report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from converter.evaluation.cases import Case, Rival
from converter.evaluation.cautions import Overlap
from converter.evaluation.gallery import Gallery, Picture
from converter.evaluation.labels import Labels, read_labels
from converter.evaluation.report import Setting, build_report
from converter.image.film_digest import film_digest
from converter.package.manifest import Manifest
from converter.regular_file import read_regular
from scp_node.analysis.changed_films import KeptFilms
from scp_node.analysis.labelled_images import LabelledImage, Matched
from scp_node.analysis.predictor import Outcome, Prediction
from scp_node.errors import ConfigurationError, UsageError
from scp_node.telemetry.printable import on_one_line

LABEL_FILE_BYTES_MAX = 64_000_000
THIS_SITE = "this site"


class Judging:
    """Takes the outcomes of one package as `hilum predict` would show them, and makes cases of them. `kept`: is given
    the previews of the analysed images."""

    def __init__(
        self,
        manifest: Manifest,
        folder: Path,
        images: Sequence[LabelledImage],
        with_pictures: bool = False,
        kept: KeptFilms | None = None,
    ) -> None:
        self.manifest, self.folder = manifest, folder
        self.images = {image.path: image for image in images}
        self.cases: list[Case] = []
        self.failed: list[dict[str, str]] = []
        self.digests: list[int] = []
        self._kept = kept
        self._galleries = {
            finding.name: Gallery(finding.name, finding.operating_threshold, len(manifest.findings))
            for finding in manifest.findings
            if with_pictures
        }

    def watched(self, outcomes: Iterable[tuple[Path, Outcome]]) -> Iterator[tuple[Path, Outcome]]:
        """The same outcomes; each is taken on its way."""
        for path, outcome in outcomes:
            if isinstance(outcome, Prediction):
                self._add(path, outcome)
            else:
                self.failed.append({"file": self.name_of(path), "code": outcome.code, "message": str(outcome)})
            yield path, outcome

    def name_of(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def pictures(self) -> dict[str, list[Picture]]:
        """By finding, the radiographs that the page shows."""
        return {name: list(gallery.pictures()) for name, gallery in self._galleries.items()}

    def as_rival_of(self, other: Judging) -> Rival:
        """What this package says of the cases of `other`."""
        probability = {case.name: case.probability for case in self.cases}
        return Rival(
            f"{self.manifest.name} {self.manifest.version}",
            [probability.get(case.name, {}) for case in other.cases],
            {finding.name: finding.operating_threshold for finding in self.manifest.findings},
        )

    def _add(self, path: Path, prediction: Prediction) -> None:
        image, name = self.images[path], self.name_of(path)
        label = image.label
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
            origin=image.origin,
        )
        self.cases.append(case)
        if prediction.converted is not None:
            self.digests.append(film_digest(prediction.converted.preview))
            if self._kept is not None and prediction.declined is None:
                self._kept.keep(path, prediction.converted.preview)
        if prediction.converted is None or prediction.cam is None or not image.may_be_shown:
            return
        for finding, cam in zip(self.manifest.findings, prediction.cam, strict=True):
            if finding.name in self._galleries:
                self._galleries[finding.name].add(len(self.cases), case, prediction.converted.preview, cam)


def read_label_file(path: Path, manifest: Manifest) -> Labels:
    """The rows of a label file for the findings of a package.

    Raises UsageError when it cannot be read or is too large, and ConfigurationError with every problem and its line.
    """
    try:
        text = read_regular(path, LABEL_FILE_BYTES_MAX).decode("utf-8-sig")
    except OSError as error:
        raise UsageError(on_one_line(f"{path}: {error.strerror}")) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(on_one_line(f"{path}:1: not UTF-8 (save it as 'CSV UTF-8')")) from error
    read = read_labels(text, [finding.name for finding in manifest.findings])
    if read.problems:
        raise ConfigurationError("\n".join(on_one_line(f"{path}:{problem}") for problem in read.problems))
    return read


def build_site_report(
    judging: Judging,
    matched: Matched,
    created: datetime,
    rivals: Sequence[Judging] = (),
    learned: frozenset[int] | None = None,
    robustness: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """Everything that page, JSON and terminal show of a package on the images of one site.

    learned: digests of the films that the package was made from; None where it does not say. robustness: of
    `changed_films`.
    """
    setting = Setting(
        title=f"{len(judging.cases)} labelled images of {THIS_SITE}",
        created=f"{created:%Y-%m-%d}",
        pooled=True,
        patients_known=all(image.label.patient for image in judging.images.values()),
        unjudged=_unjudged(matched, judging),
        overlap=Overlap(learned is not None, sum(digest in (learned or ()) for digest in judging.digests)),
        robustness=robustness,
    )
    return build_report(judging.manifest, judging.cases, setting, [rival.as_rival_of(judging) for rival in rivals])


def _unjudged(matched: Matched, judging: Judging) -> dict[str, list[dict[str, str]]]:
    unanswered = [image.path for image in matched.images if not image.label.truth]
    return {
        "unreadable": judging.failed,
        "unlabelled": [{"file": judging.name_of(path)} for path in matched.unlabelled],
        "without_image": [
            {"line": str(label.line), "label": label.file or label.sop_instance_uid, "message": why}
            for label, why in matched.without_image
        ],
        "without_answer": [{"file": judging.name_of(path)} for path in unanswered],
    }
