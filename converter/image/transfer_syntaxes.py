"""The table of transfer syntaxes. A node offers its senders exactly these, because exactly these can be decoded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Decoder:
    """`name`: a function of imagecodecs (`NAME_decode`), else a plug-in of pydicom; `package`: what brings it."""

    name: str
    package: str

    @property
    def is_direct(self) -> bool:
        """Whether it is called with the codestream alone. Such a decoder is asked for gray frames only: pydicom knows
        what three samples mean."""
        return self.package == "imagecodecs"


@dataclass(frozen=True)
class TransferSyntax:
    """`decoders`: in the order in which they are tried, until one is installed and succeeds. None for native pixels.

    `lossless`: decoding is bit-exact to what was encoded.
    """

    uid: str
    name: str
    decoders: tuple[Decoder, ...] = ()
    lossless: bool = True

    @property
    def encapsulated(self) -> bool:
        return bool(self.decoders)


RLE_LOSSLESS = "1.2.840.10008.1.2.5"

JPEG, HTJ2K, DICOM_RLE = (Decoder(name, "imagecodecs") for name in ("jpeg8", "htj2k", "dicomrle"))
GDCM, PILLOW, PYJPEGLS = Decoder("gdcm", "python-gdcm"), Decoder("pillow", "pillow"), Decoder("pyjpegls", "pyjpegls")
RLE, OPENJPEG = Decoder("pylibjpeg", "pylibjpeg-rle"), Decoder("pylibjpeg", "pylibjpeg-openjpeg")

# PS3.5 A.1, A.2, A.3, A.5, A.4.2, A.4.1, A.4.3, A.4.4. The fastest decoder comes first (measured by
# `python -m tests.bench.decoders`; differences below a fifth are ignored). All decoders of a row give the same bits
# (tests/conformance). JPEG XL and video are absent, because pydicom knows no decoder. OpenJPH does not serve for lossy
# HTJ2K: a value that the loss makes larger than the scale wraps round in it.
TRANSFER_SYNTAXES: tuple[TransferSyntax, ...] = (
    TransferSyntax("1.2.840.10008.1.2.1", "Explicit VR Little Endian"),
    TransferSyntax("1.2.840.10008.1.2", "Implicit VR Little Endian"),
    TransferSyntax("1.2.840.10008.1.2.2", "Explicit VR Big Endian"),
    TransferSyntax("1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian"),
    TransferSyntax(RLE_LOSSLESS, "RLE Lossless", (DICOM_RLE, RLE)),
    TransferSyntax("1.2.840.10008.1.2.4.50", "JPEG Baseline", (JPEG, PILLOW), lossless=False),
    TransferSyntax("1.2.840.10008.1.2.4.51", "JPEG Extended", (JPEG,), lossless=False),
    TransferSyntax("1.2.840.10008.1.2.4.57", "JPEG Lossless", (JPEG, GDCM)),
    TransferSyntax("1.2.840.10008.1.2.4.70", "JPEG Lossless SV1", (JPEG, GDCM)),
    TransferSyntax("1.2.840.10008.1.2.4.80", "JPEG-LS Lossless", (PYJPEGLS,)),
    TransferSyntax("1.2.840.10008.1.2.4.81", "JPEG-LS Near-lossless", (PYJPEGLS,), lossless=False),
    TransferSyntax("1.2.840.10008.1.2.4.90", "JPEG 2000 Lossless", (OPENJPEG,)),
    TransferSyntax("1.2.840.10008.1.2.4.91", "JPEG 2000", (OPENJPEG,), lossless=False),
    TransferSyntax("1.2.840.10008.1.2.4.201", "HTJ2K Lossless", (HTJ2K, OPENJPEG)),
    TransferSyntax("1.2.840.10008.1.2.4.202", "HTJ2K Lossless RPCL", (HTJ2K, OPENJPEG)),
    TransferSyntax("1.2.840.10008.1.2.4.203", "HTJ2K", (OPENJPEG,), lossless=False),
)

_BY_UID = {syntax.uid: syntax for syntax in TRANSFER_SYNTAXES}


def transfer_syntax(uid: str) -> TransferSyntax | None:
    """The row of `uid`, or None when pixel data in that syntax cannot be decoded."""
    return _BY_UID.get(uid)
