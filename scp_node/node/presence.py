"""A role says in the ledger that it lives, now and then, so that every host knows of every other one."""

from __future__ import annotations

import logging
import threading
from types import TracebackType

from sqlalchemy.exc import SQLAlchemyError

from scp_node.ledger import Ledger
from scp_node.monitoring.hosts import own_version
from scp_node.settings import Settings
from scp_node.settings.places import host_id, worker_name

log = logging.getLogger(__name__)
# The end of a role does not wait for a database that hangs.
STOP_S = 2.0


class Presence:
    """From the start of a role to its end. A ledger that cannot be written is asked again: the role goes on."""

    def __init__(self, ledger: Ledger, settings: Settings, role: str) -> None:
        self._ledger, self._settings, self._role = ledger, settings, role
        self._name, self._host_id = worker_name(settings), host_id(settings)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="presence", daemon=True)
        self._is_mute = False
        self.alive = 1
        """How many hosts had this role at the last sign, this one included."""

    def __enter__(self) -> Presence:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopped.set()
        self._thread.join(STOP_S)

    def _run(self) -> None:
        is_entered = False
        while True:
            is_entered = self._say(is_entered)
            if self._stopped.wait(self._settings.node.host_sign_s):
                break
        self._leave()

    def _say(self, is_entered: bool) -> bool:
        try:
            with self._ledger.transaction() as tx:
                if not (is_entered and tx.hosts.sign(self._name, self._role)):
                    tx.hosts.enter(self._name, self._role, self._host_id, own_version())
                tx.hosts.forget(self._host_id, self._role, self._name, self._settings.node.silent_after_s)
                self.alive = tx.hosts.alive(self._role, self._settings.node.silent_after_s)
        except (SQLAlchemyError, OSError) as error:
            if not self._is_mute:
                log.warning("role cannot say in the ledger that it lives", exc_info=error)
            self._is_mute = True
            return is_entered
        self._is_mute = False
        return True

    def _leave(self) -> None:
        try:
            with self._ledger.transaction() as tx:
                tx.hosts.leave(self._name, self._role)
        except (SQLAlchemyError, OSError) as error:
            log.warning("role cannot say in the ledger that it ends", extra={"reason": type(error).__name__})
