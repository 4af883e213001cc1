"""Whom an association is made with: a remote AE of the configuration, as this node calls it."""

from __future__ import annotations

from dataclasses import dataclass

from scp_node.deliver.tls_channel import SecureChannel, channel_to
from scp_node.settings import RemoteAE, Settings


@dataclass(frozen=True)
class Peer:
    """Who is called, by whom, and for how long we wait."""

    host: str
    port: int
    called_ae_title: str
    calling_ae_title: str
    connect_timeout_s: float
    response_timeout_s: float
    channel: SecureChannel | None = None

    def __str__(self) -> str:
        return f"{self.called_ae_title} at {self.host}:{self.port}"


def peer_of(settings: Settings, remote: RemoteAE) -> Peer:
    """The association partner that `remote` is for this node."""
    return Peer(
        host=remote.host,
        port=remote.port,
        called_ae_title=remote.ae_title,
        calling_ae_title=settings.node.ae_title,
        connect_timeout_s=settings.delivery.connect_timeout_s,
        response_timeout_s=settings.delivery.response_timeout_s,
        channel=channel_to(settings, remote),
    )
