"""`hilum reproduce`: run the analysis behind a result again, and compare."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import Annotated

import typer

from scp_node.cli.options import DEFAULT_CONFIG, ConfigOption, reading_node
from scp_node.cli.terminal import say
from scp_node.errors import ExitCode

EXIT_CODES = {"same": ExitCode.DONE, "differs": ExitCode.FAILED, "unknown": ExitCode.USAGE}
VERDICTS = {
    "same": "The result is reproduced.",
    "differs": "The result is NOT reproduced.",
    "unknown": "It cannot be told: not everything could be run again.",
}


def reproduce(
    result_uid: Annotated[
        str,
        typer.Argument(
            metavar="RESULT_UID",
            help="SOP Instance UID of a report or heat map of this node, or a beginning or end of it.",
        ),
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
    from scp_node.queries.identity import result_named
    from scp_node.settings.places import model_folders
    from scp_node.storage.opening import open_blobs

    checks = []
    with ExitStack() as stack:
        settings, ledger = stack.enter_context(reading_node(config))
        with ledger.reading() as tx:
            result_uid = result_named(tx, result_uid)
        limits = settings.inference.model_copy(update={"gpu_required": False})
        models = stack.enter_context(closing(LoadedModels(model_folders(settings), limits)))
        pool = stack.enter_context(closing(DecodePool.of(limits)))
        for check in run_again(ReproductionSource(settings, ledger, open_blobs(settings), models, pool), result_uid):
            checks.append(check)
            say(f"{check.verdict:8} {check.what}" + (f": {check.detail}" if check.detail else ""))
    verdict = overall(checks)
    say(VERDICTS[verdict])
    raise typer.Exit(EXIT_CODES[verdict])
