"""Runs the analysis behind a result again, as `hilum reproduce` does, apart from the process that takes connections."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import asdict
from typing import Any

from scp_node.inference.loaded_models import LoadedModels
from scp_node.ledger import Ledger
from scp_node.ledger.database import open_database
from scp_node.monitoring.reproduce import ReproductionSource, overall, reproduce
from scp_node.settings.places import database_url, model_folders
from scp_node.web.pictures.workshop import Workshop


def reproduction(
    workshop: Workshop, arguments: dict[str, Any], blobs: list[bytes]
) -> tuple[dict[str, Any], list[bytes]]:
    """The comparisons for the result `result_uid`, and what they come to."""
    settings = workshop.settings
    limits = settings.inference.model_copy(update={"gpu_required": False})
    with ExitStack() as stack:
        engine = open_database(database_url(settings), settings.storage.postgresql.limits("command"))
        stack.callback(engine.dispose)
        models = stack.enter_context(closing(LoadedModels(model_folders(settings), limits)))
        source = ReproductionSource(settings, Ledger(engine), workshop.blobs, models, workshop.decoding)
        checks = list(reproduce(source, arguments["result_uid"]))
    return {"verdict": overall(checks), "checks": [asdict(check) for check in checks]}, []
