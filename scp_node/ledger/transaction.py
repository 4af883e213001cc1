"""One transaction of the ledger, and the statements on each subject that it may hold."""

from __future__ import annotations

import sqlalchemy as sa

from scp_node.ledger.accounts import Accounts
from scp_node.ledger.audit import Audit
from scp_node.ledger.callers import Callers
from scp_node.ledger.commitments import Commitments
from scp_node.ledger.deliveries import Deliveries
from scp_node.ledger.drift_counts import DriftCounts
from scp_node.ledger.erasures import Erasures
from scp_node.ledger.events import Events
from scp_node.ledger.held_queues import HeldQueues
from scp_node.ledger.hosts import Hosts
from scp_node.ledger.instances import Instances
from scp_node.ledger.jobs import Jobs
from scp_node.ledger.known_objects import KnownObjects
from scp_node.ledger.priors import Priors
from scp_node.ledger.removals import Removals
from scp_node.ledger.reports import Reports
from scp_node.ledger.results import Results
from scp_node.ledger.sessions import Sessions
from scp_node.ledger.shadows import Shadows
from scp_node.ledger.sop_classes import SopClasses
from scp_node.ledger.studies import Studies
from scp_node.ledger.tickets import Tickets
from scp_node.ledger.unreached import Unreached
from scp_node.ledger.versions import Versions


class Transaction:
    """What belongs together and commits together: `tx.instances.add(record)`, `tx.jobs.add(new)`.

    `connection` is that of the database.
    """

    __slots__ = (
        "accounts",
        "audit",
        "callers",
        "commitments",
        "connection",
        "deliveries",
        "drift_counts",
        "erasures",
        "events",
        "held_queues",
        "hosts",
        "instances",
        "jobs",
        "known_objects",
        "priors",
        "removals",
        "reports",
        "results",
        "sessions",
        "shadows",
        "sop_classes",
        "studies",
        "tickets",
        "unreached",
        "versions",
    )

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self.studies, self.instances, self.events = Studies(connection), Instances(connection), Events(connection)
        self.jobs, self.shadows, self.drift_counts = Jobs(connection), Shadows(connection), DriftCounts(connection)
        self.reports, self.results = Reports(connection), Results(connection)
        self.deliveries, self.sop_classes = Deliveries(connection), SopClasses(connection)
        self.commitments, self.versions = Commitments(connection), Versions(connection)
        self.unreached, self.priors = Unreached(connection), Priors(connection)
        self.tickets, self.hosts = Tickets(connection), Hosts(connection)
        self.held_queues, self.known_objects = HeldQueues(connection), KnownObjects(connection)
        self.callers, self.removals, self.erasures = Callers(connection), Removals(connection), Erasures(connection)
        self.accounts, self.sessions, self.audit = Accounts(connection), Sessions(connection), Audit(connection)
