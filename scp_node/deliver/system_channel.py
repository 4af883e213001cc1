"""How a system that gets messages is reached: over which connection, and which certificate it has to show."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from scp_node.deliver.connection import OutgoingConnection
from scp_node.deliver.kind import Destination
from scp_node.deliver.tls_channel import Channel
from scp_node.tls.outgoing import client_context


@dataclass(frozen=True)
class SystemChannel(Channel):
    """Files are read anew for each connection, so that a renewed certificate serves the next one."""

    ca: Path | None
    certificate: Path | None
    key: Path | None
    passphrase: str | None
    certificate_sha256: tuple[str, ...]

    @property
    def fingerprints(self) -> tuple[str, ...]:
        return self.certificate_sha256

    def context(self) -> ssl.SSLContext:
        context = client_context(self.ca, self.certificate, self.key, self.passphrase)
        if self.certificate_sha256:
            context.check_hostname = False
        return context


def channel_of(to: Destination) -> SystemChannel | None:
    """None where the system is reached without TLS. What it has no file of its own for is the node's own."""
    system, tls = to.system, to.settings.tls
    if not system.is_over_tls:
        return None
    certificate, key, passphrase = system.certificate, system.key, None
    if certificate is None and tls.profile != "off":
        certificate, key, passphrase = tls.certificate, tls.key, tls.key_passphrase
    return SystemChannel(system.ca or tls.ca, certificate, key, passphrase, tuple(system.certificate_sha256))


def connect(to: Destination, host: str, port: int) -> OutgoingConnection:
    """Raises PeerFault."""
    return OutgoingConnection(host, port, to.settings.delivery.connect_timeout_s, channel_of(to))
