"""A certificate authority of a test: signs certificates for whom, and for how long, the test wants."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Identity:
    """A certificate and its key as PEM files."""

    certificate: Path
    key: Path

    @property
    def sha256(self) -> str:
        return x509.load_pem_x509_certificate(self.certificate.read_bytes()).fingerprint(SHA256()).hex()


class Authority:
    """Everything it makes lies in `folder`; `ca` is its own certificate."""

    def __init__(self, folder: Path, name: str = "Test authority") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        certificate = _builder(self._name, self._name, self._key.public_key(), -1, 3650)
        certificate = certificate.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.ca = folder / "ca.pem"
        self.ca.write_bytes(certificate.sign(self._key, SHA256()).public_bytes(Encoding.PEM))

    def identity(
        self,
        name: str,
        *,
        days: float = 365,
        host: str = "127.0.0.1",
        passphrase: str | None = None,
        rsa_bits: int | None = None,
        purposes: Sequence[x509.ObjectIdentifier] = (),
    ) -> Identity:
        """A certificate that is valid from yesterday, or from the day before its end if that is earlier, for `days`
        from now on; without `purposes` it is good for all."""
        key: Any = (
            ec.generate_private_key(ec.SECP256R1()) if rsa_bits is None else rsa.generate_private_key(65537, rsa_bits)
        )
        builder = _builder(_name(name), self._name, key.public_key(), min(-1, days - 1), days)
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False
        )
        if purposes:
            builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        made = Identity(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        made.certificate.write_bytes(builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM))
        protection: KeySerializationEncryption = NoEncryption()
        if passphrase is not None:
            protection = BestAvailableEncryption(passphrase.encode())
        made.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection))
        return made


def tls_section(authority: Authority, own: Identity, **values: Any) -> dict[str, Any]:
    """The section tls of a node with the certificate `own` among peers of `authority`."""
    files = {"certificate": str(own.certificate), "key": str(own.key), "ca": str(authority.ca)}
    return {"profile": "bcp195", **files, **values}


def _name(name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test Hospital"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: Any, first_day: float, last_day: float
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=public_key,
        serial_number=x509.random_serial_number(),
        not_valid_before=now + timedelta(days=first_day),
        not_valid_after=now + timedelta(days=last_day),
    )
