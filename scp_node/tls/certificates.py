"""What an X.509 certificate says of itself: subject, fingerprint, expiry."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from converter.regular_file import read_regular

PEM_BYTES_MAX = 2**20
Attributes = frozenset[tuple[str, str]]
"""(object identifier, value) of each attribute of a name. Programs do not agree on the order, so it is no matter."""

# How people write what RFC 4514 has no short name for.
_OTHER_NAMES = {"emailAddress": NameOID.EMAIL_ADDRESS, "E": NameOID.EMAIL_ADDRESS}


@dataclass(frozen=True)
class Certificate:
    """`sha256` in lower-case hexadecimal; `subject` to be shown, as RFC 4514 writes it but without characters that move
    a cursor; `expires` with time zone UTC."""

    sha256: str
    subject: str
    expires: datetime
    attributes: Attributes = field(default=frozenset(), repr=False)

    def has_subject(self, wanted: str) -> bool:
        """Whether every attribute of `wanted`, such as CN=pacs,O=Hospital, is in the subject."""
        return name_attributes(wanted) <= self.attributes


def certificate_of(der: bytes) -> Certificate:
    """Raises ValueError when `der` is not a certificate."""
    return _described(x509.load_der_x509_certificate(der))


def certificate_in(path: Path) -> Certificate:
    """The first certificate of a PEM file. Raises OSError and ValueError."""
    return _described(x509.load_pem_x509_certificates(read_regular(path, PEM_BYTES_MAX))[0])


def certificate_expiry(path: Path) -> datetime:
    """When the first of the certificates in a PEM file expires: a chain is as good as its weakest part. Raises OSError
    and ValueError."""
    return min(
        found.not_valid_after_utc for found in x509.load_pem_x509_certificates(read_regular(path, PEM_BYTES_MAX))
    )


def fingerprint(text: str) -> str:
    """A SHA-256 fingerprint as people copy it, in one form. Raises ValueError."""
    digits = re.sub(r"[:\s]", "", text).lower()
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise ValueError("a SHA-256 fingerprint has 64 hexadecimal digits, with or without colons")
    return digits


def name_attributes(name: str) -> Attributes:
    """The attributes of a name such as CN=pacs,O=Hospital (RFC 4514). Raises ValueError."""
    try:
        parsed = x509.Name.from_rfc4514_string(re.sub(r"(?<!\\),\s+", ",", name.strip()), _OTHER_NAMES)
    except ValueError:
        raise ValueError(f"'{name}' is not a subject such as CN=pacs,O=Hospital") from None
    if not list(parsed):
        raise ValueError("a subject has at least one attribute, such as CN=pacs")
    return _attributes(parsed)


def _attributes(name: x509.Name) -> Attributes:
    return frozenset((attribute.oid.dotted_string, str(attribute.value)) for attribute in name)


def _described(found: x509.Certificate) -> Certificate:
    shown = "".join(c if c.isprintable() else "?" for c in found.subject.rfc4514_string())
    digest = found.fingerprint(SHA256()).hex()
    return Certificate(digest, shown, found.not_valid_after_utc, _attributes(found.subject))
