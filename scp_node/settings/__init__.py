"""The configuration: a frozen model a section, its file read strictly, its reference and schema generated."""

from scp_node.settings.model import Settings
from scp_node.settings.network import Node, Receiver, RemoteAE, Tls
from scp_node.settings.retention import Retention
from scp_node.settings.routes import ResultKindName, Route, View, When
from scp_node.settings.section import Section
from scp_node.settings.systems import System
from scp_node.settings.web import Oidc, Web
from scp_node.settings.work import Delivery, Drift, GateMode, Inference, Logging, Report, Storage, Workers

__all__ = [
    "Delivery",
    "Drift",
    "GateMode",
    "Inference",
    "Logging",
    "Node",
    "Oidc",
    "Receiver",
    "RemoteAE",
    "Report",
    "ResultKindName",
    "Retention",
    "Route",
    "Section",
    "Settings",
    "Storage",
    "System",
    "Tls",
    "View",
    "Web",
    "When",
    "Workers",
]
