"""Analyses that are run again because somebody asked for it on a page: which run, and how those ended that did."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from fastapi import Request

from scp_node.errors import HilumError
from scp_node.ledger.records import now_utc

log = logging.getLogger(__name__)
KEPT_MAX = 50
Run = Callable[[], dict[str, Any]]


@dataclass(frozen=True)
class ComparedLine:
    """One comparison of the check, in its own words."""

    what: str
    verdict: str
    detail: str


@dataclass(frozen=True)
class Reproduction:
    """`state` is running until there is a verdict, or `failed` with a reason."""

    result_uid: str
    started_at: datetime
    state: Literal["running", "same", "differs", "unknown", "failed"] = "running"
    reason: str = ""
    checks: tuple[ComparedLine, ...] = ()


class Reproductions:
    """The last KEPT_MAX of them, by result. One runs after the other, in the child process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, Reproduction] = {}

    def start(self, result_uid: str, run: Run, on_end: Callable[[Reproduction], None]) -> bool:
        """Run it in a thread of its own; False where it runs already."""
        with self._lock:
            kept = self._kept.get(result_uid)
            if kept is not None and kept.state == "running":
                return False
            self._keep(Reproduction(result_uid, now_utc()))
        threading.Thread(target=self._run, args=(result_uid, run, on_end), name="reproduction", daemon=True).start()
        return True

    def of(self, result_uids: Iterable[str]) -> dict[str, Reproduction]:
        with self._lock:
            return {uid: self._kept[uid] for uid in result_uids if uid in self._kept}

    def _run(self, result_uid: str, run: Run, on_end: Callable[[Reproduction], None]) -> None:
        ended = Reproduction(result_uid, now_utc(), "failed")
        try:
            answer = run()
            checks = tuple(ComparedLine(**check) for check in answer["checks"])
            ended = replace(ended, state=answer["verdict"], checks=checks)
        except HilumError as error:
            ended = replace(ended, reason=str(error))
        except Exception as error:  # the thread ends here
            log.error("analysis not run again", exc_info=error)
            ended = replace(ended, reason=f"unexpected {type(error).__name__}")
        with self._lock:
            self._keep(ended)
        on_end(ended)

    def _keep(self, one: Reproduction) -> None:
        self._kept.pop(one.result_uid, None)
        self._kept[one.result_uid] = one
        while len(self._kept) > KEPT_MAX:
            del self._kept[next(iter(self._kept))]


def reproductions_of(request: Request) -> Reproductions:
    """Those of this application."""
    found: Reproductions = request.app.state.reproductions
    return found
