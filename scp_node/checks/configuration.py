"""What is known of a configuration before a node goes by it: its own problems, and those of what it names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scp_node.checks.result import CheckedNode, CheckResult
from scp_node.checks.table import Asker, Check, looked_at, looked_at_in_part, obstacles
from scp_node.settings.file import SettingsFile
from scp_node.settings.strict_yaml import Problem


@dataclass(frozen=True)
class CheckedFile:
    """What `hilum check-config` says of a file. With `problems`, sorted by line, no node starts or takes it; `found` is
    only what stops a node where the file has problems of its own."""

    file: SettingsFile
    problems: tuple[Problem, ...]
    found: tuple[tuple[Check, CheckResult], ...] = ()

    @property
    def warnings(self) -> tuple[CheckResult, ...]:
        """What does not keep a node from starting."""
        return tuple(result for _, result in self.found if result.state != "ok" and not result.stops)


def checked(file: SettingsFile, roles: Sequence[str] = CheckedNode.roles) -> CheckedFile:
    """Looks at files and kernel only: no port is tried and nobody is called, so that a node may run meanwhile."""
    if file.settings is None:
        found = tuple(looked_at_in_part(file, roles))
    else:
        found = tuple(looked_at(CheckedNode(file.settings, tuple(roles)), Asker.CHECK_CONFIG))
    return CheckedFile(file, tuple(sorted({*file.problems, *obstacles(file, found)})), found)
