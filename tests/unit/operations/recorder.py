"""A recorder that keeps the acts of a test."""

from __future__ import annotations

from scp_node.operations.acts import Act, Operator


class KeptActs:
    """Keeps every act in its order."""

    def __init__(self) -> None:
        self.acts: list[Act] = []

    def record(self, *acts: Act) -> None:
        self.acts.extend(acts)


def operator_and_acts() -> tuple[Operator, list[Act]]:
    kept = KeptActs()
    return Operator("anna", kept), kept.acts
