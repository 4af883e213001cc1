"""Section systems: what is told of a report by a message (RIS, worklist, engine, program), and archives that are
reached by DICOMweb."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, WithJsonSchema

from scp_node.settings.section import Bytes, File, Fingerprint, Host, Port, Section

SystemKind = Literal["hl7", "fhir", "webhook", "dicomweb"]
Hl7Charset = Literal["utf-8", "8859/1", "8859/2", "8859/5", "8859/15", "ascii"]


def _address(url: str) -> str:
    """Raises ValueError, which does not tell the URL: it may hold a secret."""
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a name or a secret: leave out what stands before @")
    if not parts.hostname or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("must be an address such as https://ris.hospital.example/fhir")
    _ = parts.port  # raises ValueError where it is no port
    return url


def _hl7_name(value: str) -> str:
    if not value.isascii() or not value.isprintable() or any(one in value for one in "|^~\\&"):
        raise ValueError("is printable ASCII without | ^ ~ \\ &")
    return value


Address = Annotated[str, Field(pattern=r"^https?://[^\s?#]+$", max_length=1024), AfterValidator(_address)]
Hl7Name = Annotated[
    str,
    Field(max_length=20),
    AfterValidator(_hl7_name),
    WithJsonSchema({"type": "string", "minLength": 0, "maxLength": 20, "format": "hl7-name"}),
]


class System(Section):
    """One system that is told of each report by a message, which names the patient: a RIS, a worklist, an integration
    engine, a program. Or an archive that gets the results themselves by DICOMweb, where a route names it in `to`."""

    kind: SystemKind = Field(
        description="How it is told: hl7 = HL7 v2.5.1 ORU^R01 over MLLP; fhir = FHIR R4 DiagnosticReport and "
        "Observation; webhook = JSON by HTTP POST, signed. dicomweb = an archive that gets the results by STOW-RS.",
        examples=["hl7"],
    )
    host: Host | None = Field(None, description="hl7: host name or IP address.", examples=["127.0.0.1"])
    port: Port | None = Field(None, description="hl7: TCP port where it listens.", examples=[2575])
    url: Address | None = Field(
        None,
        description="fhir: base of the server, such as https://ris.hospital.example/fhir. webhook: the address that is "
        "posted to. dicomweb: base of the service, such as https://vna.hospital.example/dicom-web. Redirections are "
        "not followed.",
    )
    notify_of: Literal["all", "positive"] = Field(
        "all",
        description="Of which studies it is told: all, or those with a positive finding. Who was told of a study is "
        "told of its corrections, whatever they say.",
    )
    raise_priority: Literal["no", "urgent", "stat"] = Field(
        "urgent",
        description="The priority that a message suggests for a study with a positive finding. It never lowers that of "
        "the order, and a study without a positive finding gets none.",
    )
    raise_for: list[str] = Field(
        default_factory=list,
        max_length=100,
        description="Names of the findings that raise the priority, as the model package has them; empty = each.",
    )
    status: Literal["preliminary", "final"] = Field(
        "preliminary",
        description="What a message says of its own standing. Preliminary fits what no physician has verified. With "
        "final, a later report of a study is a correction (HL7 C, FHIR amended).",
    )
    sending_facility: Hl7Name = Field("", description="hl7: MSH-4; empty = the AE title of the node.")
    receiving_application: Hl7Name = Field("", description="hl7: MSH-5.")
    receiving_facility: Hl7Name = Field("", description="hl7: MSH-6.")
    charset: Hl7Charset = Field(
        "utf-8",
        description="hl7: MSH-18. What a character set does not have is written without accents, or as '?'; a name in "
        "ideographs is left out then, its Latin spelling stays.",
    )
    secret: str | None = Field(
        None,
        min_length=16,
        max_length=1024,
        repr=False,
        description="webhook: the secret that signs each message (HMAC-SHA256), or 'whsec_' and the secret in base64.",
        json_schema_extra={"env": True},
    )
    token: str | None = Field(
        None,
        min_length=1,
        max_length=8192,
        repr=False,
        description="fhir, webhook, dicomweb: the token of 'Authorization: Bearer'; null = none.",
        json_schema_extra={"env": True},
    )
    user: str | None = Field(
        None,
        min_length=1,
        max_length=256,
        pattern=r"^[^:]*$",
        description="dicomweb: the user of 'Authorization: Basic', instead of a token; null = none.",
        json_schema_extra={"rule": "holds no ':'"},
    )
    password: str | None = Field(
        None,
        min_length=1,
        max_length=1024,
        repr=False,
        description="dicomweb: the password of that user.",
        json_schema_extra={"env": True},
    )
    tls: bool = Field(False, description="hl7: whether MLLP goes over TLS. The other kinds say https in url.")
    ca: File | None = Field(
        None,
        description="Certificates of the authorities that its certificate is verified with, PEM; null = tls.ca, or "
        "those of this machine where there is none. Relative to the folder of this file, like certificate and key.",
    )
    certificate: File | None = Field(
        None, description="This node's certificate towards it, PEM; null = tls.certificate while tls.profile is set."
    )
    key: File | None = Field(None, description="Its private key, PEM; null = in the file of the certificate.")
    certificate_sha256: list[Fingerprint] = Field(
        default_factory=list,
        description="SHA-256 fingerprints of the certificates it may show, instead of its host name; empty = any that "
        "names its host.",
    )
    response_bytes_max: Bytes = Field(
        1048576, ge=1024, le=67108864, description="Largest answer that is read, in bytes."
    )

    @property
    def where(self) -> str:
        """Where it is, for people."""
        return self.url if self.url is not None else f"{self.host}:{self.port}"

    @property
    def host_name(self) -> str:
        return (urlsplit(self.url).hostname or "") if self.url is not None else self.host or ""

    @property
    def is_over_tls(self) -> bool:
        return self.url.startswith("https:") if self.url is not None else self.tls
