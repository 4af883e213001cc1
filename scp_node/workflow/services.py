"""What the steps of jobs work with, opened once by the worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scp_node.decode.pool import DecodePool
from scp_node.deliver.destinations import Destinations
from scp_node.engine.jobs import JobQueue
from scp_node.engine.retry import RetryTable, retry_table
from scp_node.errors import OutOfResources
from scp_node.inference.loaded_models import LoadedModels
from scp_node.ledger import Ledger, Transaction
from scp_node.settings import Route, Settings
from scp_node.storage.blobs import SpoolFiles
from scp_node.storage.previews import PreviewStore


@dataclass(frozen=True)
class Services:
    """`settings` is called anew for each job, so that a reload takes effect with the next one."""

    settings: Callable[[], Settings]
    ledger: Ledger
    jobs: JobQueue
    spool: SpoolFiles
    previews: PreviewStore
    models: LoadedModels
    decode_pool: DecodePool
    destinations: Destinations

    def retries(self) -> RetryTable:
        return retry_table(self.settings().workers, self.settings().delivery)

    def keep_file(self, tx: Transaction, spool_name: str) -> None:
        """Before a result is entered: an earlier file of the same name may have been on its way out while this one was
        built. Raises OutOfResources where it has gone."""
        tx.removals.keep(spool_name)
        if not self.spool.holds(spool_name):
            raise OutOfResources("an earlier file of a result was removed just now; it is built again")

    def route(self, name: str) -> Route | None:
        return next((route for route in self.settings().routes if route.name == name), None)
