"""A problem that only shows when sections of the configuration are read together."""

from __future__ import annotations

from dataclasses import dataclass

from scp_node.settings.strict_yaml import Loc


@dataclass(frozen=True)
class CrossCheck:
    """A problem between sections. `loc` is the path of the offending value, `involves` are the paths of the values that
    it was compared with."""

    loc: Loc
    message: str
    hint: str = ""
    involves: tuple[Loc, ...] = ()
