"""One upload: analysed by the one analysis that everybody gets, as the configuration says, and forgotten."""

from __future__ import annotations

from itertools import islice
from typing import Any

from converter.words.catalogue import words_in
from scp_node.analysis.policies import node_policy
from scp_node.analysis.predictor import Predictor
from scp_node.host.nameless_file import path_of
from scp_node.queries.document import document_of
from scp_node.queries.prediction import heatmap_pngs, predicted_file
from scp_node.queries.verdict import in_percent, verdict_of
from scp_node.web.pictures.workshop import Workshop

# A card on a page is narrower, and a batch shows many.
HEATMAP_SIDE_MAX = 1024


def predict(workshop: Workshop, arguments: dict[str, Any], blobs: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """What the model of `arguments` says of the file that is open as its `descriptor`, and where `heatmap` asks for it,
    the map of the finding that the verdict is about.

    Raises Unreadable for what is no image, ModelUnusable, InferenceFailed, OutOfResources.
    """
    model = workshop.models.get(arguments["model"])
    predictor = Predictor(model, workshop.decoding, node_policy(workshop.settings))
    prediction = predictor.predict(path_of(arguments["descriptor"]))
    predicted = predicted_file(model.manifest, "", prediction)
    answer = {
        "model": model.label,
        "title": model.manifest.title,
        "statement": model.manifest.intended_use.statement,
        "provider": model.provider,
        "declined": document_of(predicted.declined),
        "findings": [document_of(in_percent(finding)) for finding in prediction.findings],
        "notes": list(predicted.notes),
        "result": None,
        "prediction": None,
    }
    if not prediction.findings:
        return answer, []
    verdict = verdict_of(prediction.findings)
    answer |= {"result": verdict.result, "prediction": verdict.prediction}
    if not arguments["heatmap"]:
        return answer, []
    report = workshop.settings.report
    side = min(HEATMAP_SIDE_MAX, report.heatmap_side_max)
    maps = heatmap_pngs(model.manifest, prediction, side, words_in(report.language))
    return answer, [png for _, png in islice(maps, verdict.index, verdict.index + 1)]
