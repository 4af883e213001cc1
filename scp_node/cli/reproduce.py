"""`hilum reproduce`: run the analysis behind a result again, and compare."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from scp_node.cli.options import DEFAULT_CONFIG, ConfigOption, open_ledger
from scp_node.settings.file import load_settings

EXIT_CODES = {"same": 0, "differs": 1, "unknown": 2}
VERDICTS = {
    "same": "The result is reproduced.",
    "differs": "The result is NOT reproduced.",
    "unknown": "It cannot be told: not everything could be run again.",
}


def reproduce(
    result_uid: Annotated[
        str, typer.Argument(metavar="RESULT_UID", help="SOP Instance UID of a report or heat map of this node.")
    ],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Run the analysis behind a result again, from the received images and the same model package, and compare
    probabilities, decisions, maps and the object itself. Exit 0 same, 1 differs, 2 cannot be told, which is said why.

    The node may run meanwhile; nothing is sent or changed.
    """
    from scp_node.decode.pool import DecodePool
    from scp_node.inference.loaded_models import LoadedModels
    from scp_node.monitoring.reproduce import ReproductionSource, overall
    from scp_node.monitoring.reproduce import reproduce as run_again
    from scp_node.node.opening import open_spool
    from scp_node.settings.places import models_dir

    settings, ledger = load_settings(config), open_ledger(config)
    limits = settings.inference.model_copy(update={"gpu_required": False})
    with closing(LoadedModels(models_dir(settings), limits)) as models, closing(DecodePool.of(limits)) as pool:
        source = ReproductionSource(settings, ledger, open_spool(settings), models, pool)
        checks = []
        for check in run_again(source, result_uid):
            checks.append(check)
            typer.echo(f"{check.verdict:8} {check.what}" + (f": {check.detail}" if check.detail else ""))
    ledger.engine.dispose()
    verdict = overall(checks)
    typer.echo(VERDICTS[verdict])
    raise typer.Exit(EXIT_CODES[verdict])
