"""Whether the ledger takes commits now, known before a sender finds out: in a thread, for a locked database waits."""

from __future__ import annotations

import logging
import threading
import time

from sqlalchemy.exc import SQLAlchemyError

from scp_node.ledger.ledger import Ledger

log = logging.getLogger(__name__)
LOOK_EVERY_S = 1.0
WAIT_S = 2.0
SILENT_MAX_S = 5.0


class CommitWatch:
    """Goes by the last commit of the process; where that is a while ago or failed, one is tried."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._stopped = threading.Event()
        self._looked_at = time.monotonic()
        self._fault = ""
        self._thread = threading.Thread(target=self._run, name="commit-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=WAIT_S + 1)

    def obstacles(self) -> list[str]:
        """Why nothing can be committed now; empty when it can."""
        silent_s = time.monotonic() - self._looked_at
        if silent_s > SILENT_MAX_S:
            return [f"cannot commit: the database has not answered for {silent_s:.0f} s"]
        return [f"cannot commit: {self._fault}"] if self._fault else []

    def look(self) -> None:
        """Try once, unless a commit has just succeeded."""
        fault = self._ledger.commit_fault
        try:
            if fault or time.monotonic() - self._ledger.committed_at > LOOK_EVERY_S:
                self._ledger.try_commit(WAIT_S, write=bool(fault or self._fault))
        except TimeoutError:
            self._tell("another process holds a lock on the database")
        except (SQLAlchemyError, OSError) as error:
            self._tell(f"{type(error).__name__}: {getattr(error, 'orig', error)}")
        else:
            if self._fault:
                log.info("the ledger takes commits again")
            self._fault = ""
        self._looked_at = time.monotonic()

    def _tell(self, fault: str) -> None:
        if not self._fault:
            log.error("the ledger takes no commits", extra={"reason": fault})
        self._fault = fault

    def _run(self) -> None:
        self.look()
        while not self._stopped.wait(LOOK_EVERY_S):
            self.look()
