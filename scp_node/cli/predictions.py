"""How `hilum predict` shows predictions: JSON lines, a table, heat maps."""

from __future__ import annotations

import re
from pathlib import Path

from converter.package.manifest import Manifest
from converter.result.findings import Finding
from converter.result.wording import percent, threshold_percent
from scp_node.analysis.predictor import Prediction
from scp_node.cli.terminal import TextTable, cell, say_json
from scp_node.queries.prediction import heatmap_pngs, predicted_file

STEM_CHARS_MAX = 100


class JsonLines:
    """One JSON object a line on standard output, as soon as it is known."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest

    def add(self, path: Path, prediction: Prediction) -> None:
        say_json(predicted_file(self._manifest, str(path), prediction).document())

    def end(self) -> None:
        pass


class Table:
    """A table for a person, printed at the end."""

    def __init__(self, manifest: Manifest) -> None:
        self._table = TextTable(title=f"{manifest.title} {manifest.version}")
        self._table.add_column("File", overflow="fold")
        self._table.add_column("Finding")
        self._table.add_column("Probability", justify="right")
        self._table.add_column("Present from", justify="right")
        self._table.add_column("Result")
        self._width = 0

    def add(self, path: Path, prediction: Prediction) -> None:
        name = cell(str(path))
        self._width = max(self._width, name.cell_len)
        if prediction.declined is not None:
            self._table.add(name, "", "", "", cell(f"declined: {prediction.declined.reason}", "yellow"))
        for finding in prediction.findings:
            self._table.add(
                name,
                finding.concept.meaning,
                f"{percent(finding.probability, finding.threshold)} %",
                f"{threshold_percent(finding.threshold)} %",
                cell(_present(finding), "bold red") if finding.positive else "absent",
            )
            name = cell("")
        for note in prediction.notes:
            self._table.add(name, "", "", "", cell(f"note: {note}", "dim"))

    def end(self) -> None:
        self._table.show(file_width=self._width + 160)  # nothing in a file has to fit a screen


def _present(finding: Finding) -> str:
    return f"present: {finding.where}" if finding.where else "present"


class HeatmapFiles:
    """One PNG for each finding of each analysed file: FILE.FINDING.png, numbered where two files share a name."""

    def __init__(self, folder: Path, manifest: Manifest, side_max: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._manifest, self._side_max = folder, manifest, side_max
        self._taken: set[str] = set()

    def add(self, path: Path, prediction: Prediction) -> None:
        if prediction.cam is None:
            return
        stem = self._unique(path)
        for finding, png in heatmap_pngs(self._manifest, prediction, self._side_max):
            (self._folder / f"{stem}.{finding}.png").write_bytes(png)

    def end(self) -> None:
        pass

    def _unique(self, path: Path) -> str:
        stem = re.sub(r"[^A-Za-z0-9._-]+", "_", path.stem)[-STEM_CHARS_MAX:].lstrip(".") or "image"
        name, number = stem, 1
        while name in self._taken:
            number += 1
            name = f"{stem}-{number}"
        self._taken.add(name)
        return name
