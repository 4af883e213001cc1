"""Which systems are told of a report, and by which message."""

from __future__ import annotations

from pydicom import Dataset

from converter.result.kinds.content import StudyContent
from converter.result.messages.content import MessageOptions, study_message
from converter.result.messages.kept import kept_message, message_uid
from converter.result.messages.table import MESSAGE_KINDS
from scp_node.ledger import ReportRow, Transaction
from scp_node.settings import System


def told_before(tx: Transaction, report: ReportRow) -> frozenset[str]:
    """The systems that an earlier report of the same study and route has a message for."""
    earlier = [
        one
        for one in tx.reports.of_study(report.study_instance_uid)
        if one.route == report.route and one.revision < report.revision and one.built_at is not None
    ]
    return frozenset(
        delivery.destination
        for one in earlier
        for result in tx.results.of_report(one.id)
        if result.kind in MESSAGE_KINDS
        for delivery in tx.deliveries.of_result(result.sop_instance_uid)
    )


def is_to_be_told(system: System, content: StudyContent, was_told: bool) -> bool:
    """Who was told of a finding is told as well that it is gone."""
    is_positive = any(finding.positive for image in content.images for finding in image.findings)
    return system.notify_of == "all" or is_positive or was_told


def written_message(content: StudyContent, report: ReportRow, name: str, system: System) -> Dataset:
    """The message to one system, in the file that it is kept in."""
    uid = message_uid(report.study_instance_uid, report.route, system.kind, name, report.revision)
    message = study_message(content, uid, options_of(name, system))
    source = next((image.source for image in content.images if image.findings), content.images[0].source)
    return kept_message(source, content.identity, content.algorithm, MESSAGE_KINDS[system.kind], message)


def options_of(name: str, system: System) -> MessageOptions:
    return MessageOptions(
        name,
        system.raise_priority,
        tuple(system.raise_for),
        system.status,
        system.sending_facility,
        system.receiving_application,
        system.receiving_facility,
        system.charset,
    )
