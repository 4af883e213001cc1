"""The configuration as frozen models, one per YAML section; each field says what it is for.

Models are strict: text is not turned into numbers, `yes` is not turned into true. `examples` stand for values that
have no default, `rule` puts a pattern into words, `env` allows ${NAME}; see settings_schema.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from scp_node.certificates import fingerprint, name_attributes

ResultKind = Literal["sr", "heatmap"]
View = Literal["PA", "AP", "LL", "RL", "LLD", "RLD", "LLO", "RLO"]


def _ae_title(value: str) -> str:
    """PS3.5 6.2, VR AE: at most 16 characters; spaces at either end do not count."""
    title = value.strip(" ")
    if not 1 <= len(title) <= 16:
        raise ValueError(f"an AE title has 1 to 16 characters, this one has {len(title)}")
    if "\\" in title or not title.isascii() or not title.isprintable():
        raise ValueError("an AE title is printable ASCII without backslash")
    return title


def _code_string(value: str) -> str:
    """PS3.5 6.2, VR CS: upper case, digits, space, underscore; at most 16 characters."""
    if not re.fullmatch(r"[A-Z0-9_][A-Z0-9_ ]{0,15}", value):
        raise ValueError(f"'{value}' is not a DICOM code: at most 16 upper-case letters, digits, spaces, underscores")
    return value


def _address(value: str) -> str:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        raise ValueError(f"'{value}' is not an IP address; 0.0.0.0 listens on all, 127.0.0.1 on this machine") from None
    return value


def _network(value: str) -> str:
    """One address, or the addresses of a network."""
    try:
        ipaddress.ip_network(value)
    except ValueError:
        try:
            meant = f"; did you mean {ipaddress.ip_network(value, strict=False)}?"
        except ValueError:
            meant = ""
        raise ValueError(f"'{value}' is not an IP address or network such as 10.1.0.0/16{meant}") from None
    return value


def _subject(value: str) -> str:
    name_attributes(value)
    return value


def _host(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,253}|[0-9A-Fa-f:.]{2,45}", value):
        raise ValueError(f"'{value}' is not a host name or IP address; the port has its own key")
    return value


AETitle = Annotated[
    str, AfterValidator(_ae_title), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 16, "format": "ae"})
]
CodeString = Annotated[
    str, AfterValidator(_code_string), WithJsonSchema({"type": "string", "pattern": "^[A-Z0-9_][A-Z0-9_ ]{0,15}$"})
]
BindAddress = Annotated[str, AfterValidator(_address), WithJsonSchema({"type": "string", "format": "ip"})]
Network = Annotated[str, AfterValidator(_network), WithJsonSchema({"type": "string", "format": "network"})]
Fingerprint = Annotated[str, AfterValidator(fingerprint), WithJsonSchema({"type": "string", "format": "fingerprint"})]
Subject = Annotated[str, AfterValidator(_subject), WithJsonSchema({"type": "string", "format": "subject"})]
Host = Annotated[
    str, AfterValidator(_host), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 253, "format": "host"})
]
Folder = Annotated[Path, Field(strict=False), WithJsonSchema({"type": "string", "format": "folder"})]
File = Annotated[Path, Field(strict=False), WithJsonSchema({"type": "string", "format": "file"})]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(ge=0, le=86400)]
Bytes = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


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


class RemoteAE(Section):
    """One other DICOM application: a modality or PACS that sends images, an archive that gets results, or both."""

    ae_title: AETitle = Field(description="AE title of the remote application.", examples=["ORTHANC"])
    host: Host = Field(description="Host name or IP address.", examples=["127.0.0.1"])
    port: Port = Field(description="TCP port where it listens.", examples=[4242])
    may_send: bool = Field(False, description="Whether this AE title may send images to the node.")
    storage_commitment: bool = Field(
        False,
        description="Whether the archive is asked to confirm by Storage Commitment that it keeps a result. It may "
        "then call this node to do so.",
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


class When(Section):
    """What a route takes. An attribute that is absent from the image matches; one that is present must be listed."""

    from_: list[str] = Field(
        default_factory=list, alias="from", description="Names under remote_aes whose images it takes; empty = all."
    )
    modality: list[CodeString] = Field(
        ["CR", "DX"],
        min_length=1,
        description="Accepted values of Modality. CT and MR images are received where a route lists CT or MR.",
    )
    body_part: list[CodeString] = Field(["CHEST"], min_length=1, description="Accepted values of Body Part Examined.")
    view: list[View] = Field(
        ["PA", "AP"],
        min_length=1,
        description="Accepted values of View Position. Not asked of CT and MR: a slice has no such view.",
    )


class Route(Section):
    """Which images go to which model, and where the results go. The first route that takes an image gets it."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$",
        description="Name of the route, as logs show it.",
        examples=["chest"],
        json_schema_extra={"rule": "lower-case letters, digits, '-' and '_'; at most 32"},
    )
    when: When = Field(default_factory=lambda: When(), description="What this route takes.")
    model: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]*(@\d+\.\d+\.\d+)?$",
        description="Model package, as 'name' (highest version) or 'name@version'.",
        examples=["pneumonia"],
        json_schema_extra={"rule": "a name such as 'pneumonia', or name and version such as 'pneumonia@1.2.0'"},
    )
    shadow: str | None = Field(
        None,
        pattern=r"^[a-z0-9][a-z0-9-]*@\d+\.\d+\.\d+$",
        description="A second model package, as 'name@version', that scores every image that the first one scores, in "
        "a process of its own, on the CPU and behind everything else. Nothing of it leaves the node: see "
        "`hilum models agreement`.",
        json_schema_extra={"rule": "name and version such as 'pneumonia@1.2.0'"},
    )
    results: list[ResultKind] = Field(
        ["sr", "heatmap"], min_length=1, description="Which result objects are built: sr, heatmap."
    )
    to: list[str] = Field(min_length=1, description="Names under remote_aes that get the results.", examples=[["pacs"]])


class Receiver(Section):
    """Limits of the DICOM listener."""

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
        description="Connections open at the same time from one IP address. All that stands behind a PACS or a proxy "
        "has one address.",
    )
    connections_per_s_max: int = Field(
        500, ge=1, le=100_000, description="New connections per second from one IP address; twice as many in a burst."
    )
    pdu_bytes_max: int = Field(131072, ge=4096, le=1048576, description="Largest PDU that is offered to senders.")
    instance_bytes_max: Bytes = Field(536870912, description="Largest data set that is accepted, in bytes.")
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


class Storage(Section):
    """Where and how received images and the ledger are kept."""

    database_url: str | None = Field(
        None,
        pattern=r"^(sqlite|postgresql)(\+\w+)?://",
        repr=False,
        description="SQLAlchemy URL of the ledger, for SQLite or PostgreSQL; null = SQLite under data_dir.",
        json_schema_extra={"env": True, "rule": "a URL that begins with sqlite:/// or postgresql+psycopg://"},
    )
    used_percent_max: float = Field(85, gt=0, le=100, description="New images are refused above this disk usage.")
    free_bytes_min: int = Field(5 * 1024**3, ge=0, description="New images are refused below this free space.")
    inodes_free_percent_min: float = Field(
        1, ge=0, le=100, description="New images are refused when fewer of the disk's inodes are free, in percent."
    )
    spool_bytes_max: Bytes | None = Field(
        None, description="New images are refused when the spool holds this many bytes; null = no quota."
    )


GateMode = Literal["refuse", "note", "off"]


class Inference(Section):
    """How models run."""

    providers: list[Literal["cuda", "cpu"]] = Field(
        ["cuda", "cpu"], min_length=1, description="ONNX Runtime providers in order of preference."
    )
    gpu_required: bool = Field(False, description="Refuse to start when no GPU can be used.")
    gate: GateMode = Field(
        "refuse",
        description="What becomes of an image that a model's input gate takes for no frontal chest radiograph: it is "
        "refused with a coded reason, or analysed with a note in the report, or analysed as if there were no gate.",
    )
    models_dir: Folder | None = Field(
        None, description="Folder of model packages, relative to the folder of this file; null = the shipped ones."
    )
    threads: int = Field(0, ge=0, le=256, description="CPU threads of one model session; 0 = one less than the cores.")
    batch_size_max: int = Field(16, ge=1, le=256, description="Most images in one inference batch (GPU only).")
    batch_window_s: float = Field(0.005, ge=0, le=1, description="Longest wait for a batch to fill (GPU only).")
    decode_processes: int = Field(0, ge=0, le=64, description="Child processes that decode pixels; 0 = two at most.")
    decode_memory_bytes_max: Bytes = Field(4 * 1024**3, description="Address space of one decoding process.")
    decode_cpu_s_max: Seconds = Field(60, gt=0, description="CPU time for decoding one image.")
    decode_timeout_s: Seconds = Field(120, gt=0, description="Wall-clock time for decoding one image.")
    pixels_max: int = Field(
        100_000_000, ge=1, description="Largest Rows x Columns x Frames that is decoded; more is quarantined."
    )
    inflated_bytes_max: Bytes = Field(
        536870912, description="Largest size that a deflated data set may inflate to; more is quarantined."
    )


class Report(Section):
    """What the results look like and when they are made."""

    quiet_period_s: Seconds = Field(
        5, description="A study is reported when no image came for this long; 0 = at once after each image."
    )
    sop_class: Literal["comprehensive_3d", "comprehensive"] = Field(
        "comprehensive_3d",
        description="SOP class of the Structured Report. An archive that refuses Comprehensive 3D SR gets "
        "Comprehensive SR in any case.",
    )
    charset: Literal["source", "utf8"] = Field(
        "source", description="Character set of the results: that of the source image, or ISO_IR 192 (UTF-8)."
    )
    when_all_declined: Literal["send", "omit"] = Field(
        "send", description="Whether a study of which no image could be analysed gets a report that says so."
    )
    heatmap_side_max: int = Field(
        1536, ge=320, le=4096, description="Longest side of the heat map, caption and legend included, in pixels."
    )
    heatmap_for: Literal["positive", "all"] = Field(
        "all", description="Heat maps for positive findings only, or for every analysed image."
    )


class Delivery(Section):
    """How results travel to their destinations."""

    retry_first_s: Seconds = Field(5, gt=0, description="Wait after the first failed attempt; doubles each time.")
    retry_max_s: Seconds = Field(600, gt=0, description="Longest wait between two attempts.")
    give_up_after_h: float = Field(72, gt=0, le=8760, description="After this long a delivery becomes a dead letter.")
    connect_timeout_s: Seconds = Field(10, gt=0, description="Time to reach a destination and open an association.")
    response_timeout_s: Seconds = Field(60, gt=0, description="Time for a destination to answer a C-STORE.")
    commitment_timeout_s: Seconds = Field(
        3600, gt=0, description="An archive that has not confirmed a result for this long is asked again, three times."
    )
    keep_open_s: Seconds = Field(5, description="An association stays open this long for the next result.")


class Workers(Section):
    """How much is worked on at the same time, and how often a queue is looked at."""

    images: int = Field(4, ge=1, le=64, description="Images analysed at the same time by one worker.")
    studies: int = Field(2, ge=1, le=64, description="Reports built at the same time by one worker.")
    deliveries: int = Field(4, ge=1, le=64, description="Results sent at the same time by one worker.")
    poll_s: float = Field(
        1.0,
        ge=0.01,
        le=60,
        description="How often the queues are looked at. On one machine new work wakes the worker at once; this is for "
        "work that comes from elsewhere.",
    )
    niceness: int = Field(
        5,
        ge=0,
        le=19,
        description="How far workers and decoding processes step back behind the receiver, which runs at 0, so that "
        "a node busy with pixels still takes images in. Holds from the next start.",
    )
    attempts_max: int = Field(5, ge=1, le=100, description="Attempts at an image or report before it is a dead letter.")
    reconcile_s: Seconds = Field(60, gt=0, description="How often lost or stuck work is looked for.")
    drain_s: Seconds = Field(25, description="Time for running work to end when the node is stopped.")


class Drift(Section):
    """When scores and images count as others than those a model package was validated with."""

    window_days: int = Field(
        7, ge=1, le=90, description="The last days that are compared with the package's own films."
    )
    images_min: int = Field(
        100, ge=10, le=1_000_000, description="With fewer images of a sender in the window nothing is said about it."
    )
    psi_watch_min: float = Field(
        0.1, gt=0, le=10, description="Population stability index, beyond what chance makes, from which one watches."
    )
    psi_alarm_min: float = Field(
        0.25, gt=0, le=10, description="Population stability index, beyond what chance makes, that is an alarm."
    )


class Web(Section):
    """The HTTP port: /healthz, /readyz and /metrics."""

    bind: BindAddress = Field(
        "127.0.0.1",
        description="IP address to listen on. Only a loopback address, because there is no authentication yet.",
    )
    port: Port = Field(8043, description="TCP port. Not 8042: that is Orthanc's, which may be on the same machine.")


class Logging(Section):
    """What the node writes to its log (standard error)."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe level written.")
    format: Literal["text", "json"] = Field("text", description="One line of text, or one JSON object, per event.")


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
    tls: Tls = Field(default_factory=lambda: Tls(), description="How DICOM connections are protected, in and out.")
    receiver: Receiver = Field(default_factory=lambda: Receiver(), description="Limits of the DICOM listener.")
    storage: Storage = Field(default_factory=lambda: Storage(), description="Where images and ledger are kept.")
    inference: Inference = Field(default_factory=lambda: Inference(), description="How models run.")
    report: Report = Field(default_factory=lambda: Report(), description="What results look like, and when.")
    delivery: Delivery = Field(default_factory=lambda: Delivery(), description="How results travel.")
    workers: Workers = Field(default_factory=lambda: Workers(), description="How much is worked on at once.")
    drift: Drift = Field(default_factory=lambda: Drift(), description="When images and scores count as changed.")
    web: Web = Field(default_factory=lambda: Web(), description="The HTTP port.")
    logging: Logging = Field(default_factory=lambda: Logging(), description="What the log shows.")

    @property
    def has_shadow(self) -> bool:
        """Whether any route names a second model."""
        return any(route.shadow for route in self.routes)

    @property
    def exposes_plaintext(self) -> bool:
        """Whether the listener can be reached from other machines without TLS, and nobody said that it may."""
        is_open = not ipaddress.ip_address(self.node.bind).is_loopback
        return is_open and self.tls.profile == "off" and not self.tls.allow_plaintext

    def is_reached_by_tls(self, remote: RemoteAE) -> bool:
        return self.tls.profile != "off" if remote.tls is None else remote.tls
