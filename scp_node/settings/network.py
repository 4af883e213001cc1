"""Sections node, remote_aes, tls and receiver: who this node is, whom it knows, and how it is reached."""

from __future__ import annotations

import math
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from scp_node.settings.section import (
    AETitle,
    BindAddress,
    Bytes,
    File,
    Fingerprint,
    Folder,
    Host,
    Network,
    Port,
    Seconds,
    Section,
    Subject,
)

# Whoever writes one of these believes that connections are encrypted.
NEEDS_PROFILE = ("certificate", "key", "key_passphrase", "ca", "verify_peer", "check_host")

# So many signs that did not come make a role silent.
SILENT_SIGNS = 4
# What receiver.limits_for is about.
LIMITS_OF_PEERS = ("associations_per_ae_max", "connections_per_address_max", "connections_per_s_max")


class Node(Section):
    """This node as the PACS sees it."""

    ae_title: AETitle = Field(
        description="AE title of this node; senders must call it by this name.", examples=["HILUM"]
    )
    bind: BindAddress = Field(
        "127.0.0.1",
        description="IP address to listen on; 127.0.0.1 = this machine only, 0.0.0.0 = every address of this machine. "
        "Beyond this machine it takes TLS, or tls.allow_plaintext.",
    )
    port: Port = Field(11112, description="TCP port of the DICOM listener.")
    data_dir: Folder = Field(
        Path("./hilum-data"),
        description="Folder for received images, ledger and results. Relative to the folder of this file.",
    )
    host_id: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$",
        description="What this machine is called among those that share a ledger, on the page Now and in alarms; null "
        "= its host name. To be set where machines are clones or containers, which may have one name.",
        json_schema_extra={"rule": "1 to 60 letters, digits and . _ -"},
    )
    host_sign_s: Seconds = Field(
        15,
        ge=1,
        le=600,
        description="How often each role writes into the ledger that it lives. One that misses four signs is silent, "
        "which the page Now, hilum doctor and the metrics tell.",
    )

    @property
    def silent_after_s(self) -> float:
        """A role that has not signed for so long is silent."""
        return SILENT_SIGNS * self.host_sign_s


class RemoteAE(Section):
    """One other DICOM application: a modality or PACS that sends images, an archive that gets results, or both."""

    kind: ClassVar[str] = "dimse"  # how results get there: a row of scp_node.deliver.destinations.KINDS
    ae_title: AETitle = Field(description="AE title of the remote application.", examples=["ORTHANC"])
    host: Host = Field(description="Host name or IP address.", examples=["127.0.0.1"])
    port: Port = Field(description="TCP port where it listens.", examples=[4242])
    may_send: bool = Field(False, description="Whether this AE title may send images to the node.")
    storage_commitment: bool = Field(
        False,
        description="Whether the archive is asked to confirm by Storage Commitment that it keeps a result. It may "
        "then call this node to do so.",
    )
    verify_by_query: bool = Field(
        False,
        description="Whether the archive is asked by a query (C-FIND) for each result that it has not confirmed by "
        "Storage Commitment. A result that it lists counts as confirmed, one that it does not list is sent again.",
    )
    tls: bool | None = Field(
        None, description="Whether results go there over TLS; null = yes when tls.profile is set, no when it is off."
    )
    addresses: list[Network] = Field(
        default_factory=list,
        description="IP addresses and networks this AE may call from, such as [10.1.2.3, 10.9.0.0/16]; empty = any. "
        "Two senders may share an AE title when their addresses differ.",
    )
    certificate_sha256: list[Fingerprint] = Field(
        default_factory=list,
        description="SHA-256 fingerprints of the certificates this AE may show, with or without colons; empty = any "
        "that tls.ca has signed. Two of them bridge a renewal.",
    )
    certificate_subject: Subject | None = Field(
        None,
        description="What the subject of its certificate must hold, such as 'CN=pacs,O=Hospital'; null = anything.",
    )
    user: str | None = Field(
        None,
        min_length=1,
        max_length=256,
        description="User name that its association requests must carry (user identity, PS3.7 D.3.3.7); null = not "
        "looked at. Name and passcode travel in the clear unless TLS is on.",
    )
    passcode: str | None = Field(
        None,
        min_length=1,
        max_length=256,
        repr=False,
        description="Passcode that belongs to the user; null = the name alone is enough.",
        json_schema_extra={"env": True},
    )


class Tls(Section):
    """How DICOM connections are protected, in both directions (PS3.15 B.12 and B.13)."""

    profile: Literal["off", "bcp195", "bcp195-modified"] = Field(
        "off",
        description="Security profile of PS3.15: bcp195 (B.12), bcp195-modified (B.13: more ciphers), or off. Both "
        "take TLS 1.3 and 1.2, and nothing older. With a profile the listener takes TLS only.",
    )
    certificate: File | None = Field(
        None,
        description="This node's certificate and its intermediates, PEM; used towards senders and destinations, so it "
        "has to allow server and client authentication. Relative to the folder of this file, like key and ca.",
    )
    key: File | None = Field(None, description="Its private key, PEM; null = in the file of the certificate.")
    key_passphrase: str | None = Field(
        None,
        repr=False,
        min_length=1,
        description="Passphrase of the key; null = the key is not encrypted.",
        json_schema_extra={"env": True},
    )
    ca: File | None = Field(None, description="Certificates of the authorities that sign the peers' certificates, PEM.")
    verify_peer: bool = Field(
        True,
        description="Whether senders must show a certificate that ca has signed (mutual TLS). Certificates of "
        "destinations are verified in any case.",
    )
    check_host: bool = Field(
        True,
        description="Whether a destination's certificate must name the host it is reached by. Not looked at for a "
        "remote AE with certificate_sha256 or certificate_subject, which say more.",
    )
    allow_plaintext: bool = Field(
        False,
        description="Allow profile off on an address beyond this machine: AE titles prove nothing then, and images "
        "can be read on the wire.",
    )
    handshake_timeout_s: Seconds = Field(10, gt=0, description="Time for a sender to complete the TLS handshake.")
    warn_before_days: int = Field(
        30, ge=0, le=3650, description="A certificate that expires within this time is a warning in log and echo."
    )
    alarm_before_days: int = Field(
        7, ge=0, le=3650, description="A certificate that expires within this time is an error in the log."
    )


class Receiver(Section):
    """What the DICOM listener takes, and its limits."""

    changed_instances: Literal["new-version", "refuse"] = Field(
        "new-version",
        description="An object comes again under its SOP Instance UID with other bytes, because it was corrected or "
        "recompressed: it is the next version of the object, and results are made anew where they change; or it is "
        "refused with 0x0111.",
    )
    associations_max: int = Field(100, ge=1, le=1000, description="Associations open at the same time.")
    associations_per_ae_max: int = Field(
        50, ge=1, le=1000, description="Associations open at the same time under one calling AE title."
    )
    connections_max: int = Field(
        300,
        ge=1,
        le=4000,
        description="Connections open at the same time, associated or not; the oldest one without an association makes "
        "room for a new one.",
    )
    connections_per_address_max: int = Field(
        120,
        ge=1,
        le=4000,
        description="Connections open at the same time from one IP address. All that stands behind a PACS, or a proxy "
        "that proxies does not name, has one address.",
    )
    connections_per_s_max: int = Field(
        500, ge=1, le=100_000, description="New connections per second from one IP address; twice as many in a burst."
    )
    limits_for: Literal["node", "fleet"] = Field(
        "node",
        description="What the limits of an AE title and of an address are for: each receiver; or all receivers over "
        "one database together, each of which takes an equal part, for machines behind a load balancer.",
    )
    proxies: list[Network] = Field(
        default_factory=list,
        description="IP addresses and networks of load balancers before this port. Each of their connections must "
        "begin with a header of the PROXY protocol, version 2 (HAProxy: send-proxy-v2), and the address in it is the "
        "caller's, for addresses of remote_aes, limits and logs. Such a header from anybody else ends the connection.",
    )
    pdu_bytes_max: int = Field(131072, ge=4096, le=1048576, description="Largest PDU that is offered to senders.")
    instance_bytes_max: Bytes = Field(536870912, description="Largest data set that is accepted, in bytes.")
    elements_max: int = Field(
        1_000_000,
        ge=10_000,
        le=100_000_000,
        description="So many elements of a data set, items and fragments included, are looked at. One with more is "
        "taken when its UIDs are among them, but whether it is whole is not known.",
    )
    idle_timeout_s: Seconds = Field(60, gt=0, description="An association on which nothing comes this long is aborted.")
    pdu_timeout_s: Seconds = Field(30, gt=0, description="A PDU that has begun must be complete within this time.")
    message_timeout_s: Seconds = Field(
        900,
        gt=0,
        description="An image must be complete within this time, from its command to its last byte. As with the other "
        "times, only the waiting for the sender counts, not the node's own work.",
    )
    bytes_per_s_min: int = Field(
        1024, ge=0, description="A sender that is slower over rate_window_s, within an image, is aborted; 0 = never."
    )
    rate_window_s: Seconds = Field(30, gt=0, description="The time over which bytes_per_s_min is measured.")
    acse_timeout_s: Seconds = Field(
        10, gt=0, description="Time for a peer to ask for an association, and to close its connection afterwards."
    )

    def part(self, receivers: int) -> Receiver:
        """What one of so many receivers goes by: its part of the limits of the fleet, rounded up."""
        if self.limits_for == "node" or receivers <= 1:
            return self
        return self.model_copy(update={name: math.ceil(getattr(self, name) / receivers) for name in LIMITS_OF_PEERS})
