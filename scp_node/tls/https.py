"""TLS of the HTTP port: no certificate is asked of browsers."""

from __future__ import annotations

import ssl
from pathlib import Path

from converter.regular_file import read_regular
from scp_node.errors import ConfigurationError
from scp_node.tls.certificates import PEM_BYTES_MAX
from scp_node.tls.contexts import CIPHERS


def https_context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """TLS 1.2 and 1.3 with this certificate. Raises ConfigurationError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS["bcp195"])
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    try:
        for path in (certificate, key or certificate):
            read_regular(path, PEM_BYTES_MAX)  # OpenSSL would wait for a pipe
        context.load_cert_chain(certificate, key, _no_passphrase)
    except (OSError, ValueError) as error:
        what = _reason(error)
        files = f"web.tls_certificate {certificate}" + ("" if key is None else f" with web.tls_key {key}")
        raise ConfigurationError(f"{files} cannot be used: {what}") from error
    return context


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "a certificate and a key in PEM are wanted"
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _no_passphrase() -> str:
    raise ValueError("the key has a passphrase, which nobody types here: take one without")
