"""What one check has found, and about which node it was asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scp_node.settings import Settings
from scp_node.settings.strict_yaml import Loc

CheckState = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class CheckedNode:
    """The node that is looked at. `roles` are those that run on this machine. `network`: its destinations may be
    called. `deep`: what takes long is done too."""

    settings: Settings
    roles: tuple[str, ...] = ("receiver", "worker", "shadow", "web")
    network: bool = False
    deep: bool = False

    @property
    def locks(self) -> Path:
        return self.settings.node.data_dir / "locks"


@dataclass(frozen=True)
class CheckResult:
    """A fact, numbers with their units. Unless it is ok: `remedy` says what to do, `loc` the setting that it is about.

    `stops`: with this problem a node does not start. A problem that may pass by itself (the clock, a full disk, a
    certificate's dates) stops nobody: a node that does not start receives no image.
    """

    state: CheckState
    fact: str
    remedy: str = ""
    loc: Loc = ()
    stops: bool = False


def ok(fact: str) -> CheckResult:
    return CheckResult("ok", fact)


def warning(fact: str, remedy: str = "", loc: Loc = ()) -> CheckResult:
    return CheckResult("warning", fact, remedy, loc)


def problem(fact: str, remedy: str = "", loc: Loc = ()) -> CheckResult:
    """One with which the node runs, and does not do all that it should."""
    return CheckResult("problem", fact, remedy, loc)


def obstacle(fact: str, remedy: str, loc: Loc) -> CheckResult:
    """A problem with which the node does not start."""
    return CheckResult("problem", fact, remedy, loc, stops=True)
