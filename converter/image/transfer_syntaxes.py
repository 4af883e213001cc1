"""The one table of transfer syntaxes: what is offered to senders is exactly what can be decoded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TransferSyntax:
    """`decoding_plugin`: pydicom's name of the one decoder that is used, empty for native pixel data.

    `package`: the distribution that brings it. `lossless`: decoding is bit-exact to what was encoded.
    """

    uid: str
    name: str
    decoding_plugin: str = ""
    package: str = ""
    encapsulated: bool = True
    lossless: bool = True


# PS3.5 A.1, A.2, A.3, A.5, A.4.2, A.4.1, A.4.3, A.4.4; each decoder is the fastest of the permissively licensed ones.
# JPEG Extended (.51) is absent: no such decoder reads real 12-bit files of it. JPEG XL and video: none at all.
TRANSFER_SYNTAXES: tuple[TransferSyntax, ...] = (
    TransferSyntax("1.2.840.10008.1.2.1", "Explicit VR Little Endian", encapsulated=False),
    TransferSyntax("1.2.840.10008.1.2", "Implicit VR Little Endian", encapsulated=False),
    TransferSyntax("1.2.840.10008.1.2.2", "Explicit VR Big Endian", encapsulated=False),
    TransferSyntax("1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian", encapsulated=False),
    TransferSyntax("1.2.840.10008.1.2.5", "RLE Lossless", "pylibjpeg", "pylibjpeg-rle"),
    TransferSyntax("1.2.840.10008.1.2.4.50", "JPEG Baseline", "pillow", "pillow", lossless=False),
    TransferSyntax("1.2.840.10008.1.2.4.57", "JPEG Lossless", "gdcm", "python-gdcm"),
    TransferSyntax("1.2.840.10008.1.2.4.70", "JPEG Lossless SV1", "gdcm", "python-gdcm"),
    TransferSyntax("1.2.840.10008.1.2.4.80", "JPEG-LS Lossless", "pyjpegls", "pyjpegls"),
    TransferSyntax("1.2.840.10008.1.2.4.81", "JPEG-LS Near-lossless", "pyjpegls", "pyjpegls", lossless=False),
    TransferSyntax("1.2.840.10008.1.2.4.90", "JPEG 2000 Lossless", "pylibjpeg", "pylibjpeg-openjpeg"),
    TransferSyntax("1.2.840.10008.1.2.4.91", "JPEG 2000", "pylibjpeg", "pylibjpeg-openjpeg", lossless=False),
    TransferSyntax("1.2.840.10008.1.2.4.201", "HTJ2K Lossless", "pylibjpeg", "pylibjpeg-openjpeg"),
    TransferSyntax("1.2.840.10008.1.2.4.202", "HTJ2K Lossless RPCL", "pylibjpeg", "pylibjpeg-openjpeg"),
    TransferSyntax("1.2.840.10008.1.2.4.203", "HTJ2K", "pylibjpeg", "pylibjpeg-openjpeg", lossless=False),
)

_BY_UID = {syntax.uid: syntax for syntax in TRANSFER_SYNTAXES}


def transfer_syntax(uid: str) -> TransferSyntax | None:
    """The row of `uid`, or None when pixel data in that syntax cannot be decoded."""
    return _BY_UID.get(uid)
