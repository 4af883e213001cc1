"""Viewing a study is an audit event."""

from __future__ import annotations

from scp_node.operations.acts import Act
from scp_node.operations.audit import LedgerRecorder
from scp_node.web.access.visitor import Visitor
from scp_node.web.context import WebContext


def note_viewed(context: WebContext, visitor: Visitor, study_instance_uid: str) -> None:
    """Enter that this visitor has seen this study; at most once in ten minutes."""
    if context.views.is_new(visitor.name, study_instance_uid):
        act = Act("view-study", "study", study_instance_uid, visitor.name, "done")
        if not LedgerRecorder(context.ledger).enter(act):
            context.views.forget(visitor.name, study_instance_uid)
