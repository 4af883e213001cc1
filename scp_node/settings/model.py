"""The whole configuration as one frozen model, a field a section of the file.

`examples` stand for values that have no default, `rule` puts a pattern into words, `env` allows ${NAME}; see
scp_node.settings.schema.
"""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import Field

from scp_node.settings.network import Node, Receiver, RemoteAE, Tls
from scp_node.settings.retention import Retention
from scp_node.settings.routes import Route
from scp_node.settings.section import Section
from scp_node.settings.systems import System
from scp_node.settings.web import Web
from scp_node.settings.work import Delivery, Drift, Inference, Logging, Report, Storage, Workers


class Settings(Section):
    """The whole configuration of a node."""

    node: Node = Field(description="This node as the PACS sees it.")
    remote_aes: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$")], RemoteAE] = Field(
        min_length=1,
        description="The other DICOM applications, by a name of your choice.",
        examples=[{"pacs": {"ae_title": "ORTHANC", "host": "127.0.0.1", "port": 4242, "may_send": True}}],
        json_schema_extra={"rule": "a name has letters, digits, '-' and '_'; at most 32"},
    )
    routes: list[Route] = Field(
        min_length=1,
        description="Which images go to which model, in order.",
        examples=[[{"name": "chest", "model": "pneumonia", "to": ["pacs"]}]],
    )
    systems: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$")], System] = Field(
        default_factory=dict,
        description="Systems that are told of a report by a message, and archives that get results by DICOMweb, by a "
        "name of your choice that no remote AE has.",
        examples=[{"ris": {"kind": "hl7", "host": "127.0.0.1", "port": 2575}}],
        json_schema_extra={"rule": "a name has letters, digits, '-' and '_'; at most 32"},
    )
    tls: Tls = Field(default_factory=lambda: Tls(), description="How DICOM connections are protected, in and out.")
    receiver: Receiver = Field(default_factory=lambda: Receiver(), description="Limits of the DICOM listener.")
    storage: Storage = Field(default_factory=lambda: Storage(), description="Where images and ledger are kept.")
    inference: Inference = Field(default_factory=lambda: Inference(), description="How models run.")
    report: Report = Field(default_factory=lambda: Report(), description="What results look like, and when.")
    delivery: Delivery = Field(default_factory=lambda: Delivery(), description="How results travel.")
    workers: Workers = Field(default_factory=lambda: Workers(), description="How much is worked on at once.")
    drift: Drift = Field(default_factory=lambda: Drift(), description="When images and scores count as changed.")
    retention: Retention = Field(default_factory=lambda: Retention(), description="What is kept for how long.")
    web: Web = Field(default_factory=lambda: Web(), description="The HTTP port.")
    logging: Logging = Field(default_factory=lambda: Logging(), description="What the log shows.")

    @property
    def has_shadow(self) -> bool:
        """Whether any route names a second model."""
        return any(route.shadow for route in self.routes)

    @property
    def is_open(self) -> bool:
        """Whether the listener can be reached from other machines."""
        return not ipaddress.ip_address(self.node.bind).is_loopback

    @property
    def exposes_plaintext(self) -> bool:
        """Whether other machines can reach the listener without TLS, and nobody said that they may."""
        return self.is_open and self.tls.profile == "off" and not self.tls.allow_plaintext

    def destination(self, name: str) -> RemoteAE | System | None:
        """The remote AE or the system that is called so."""
        return self.remote_aes.get(name) or self.systems.get(name)

    @property
    def destination_names(self) -> tuple[str, ...]:
        """Of whatever results or messages may go to."""
        return (*self.remote_aes, *self.systems)

    @property
    def archives(self) -> tuple[str, ...]:
        """Whatever results may go to: remote AEs, and systems that take them by DICOMweb."""
        return (*self.remote_aes, *(name for name, one in self.systems.items() if one.kind == "dicomweb"))

    def is_reached_by_tls(self, remote: RemoteAE) -> bool:
        return self.tls.profile != "off" if remote.tls is None else remote.tls
