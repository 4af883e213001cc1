"""The one table of transfer syntaxes: what is offered to senders is exactly what can be decoded, by these decoders."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Decoder:
    """`name`: a function of imagecodecs (`NAME_decode`), else a plug-in of pydicom; `package`: what brings it."""

    name: str
    package: str

    @property
    def is_direct(self) -> bool:
        """Called with the codestream alone, and for gray frames only: what three samples mean, pydicom knows."""
        return self.package == "imagecodecs"


@dataclass(frozen=True)
class TransferSyntax:
    """`decoders`: the fastest first, the next one where it is not installed or refuses; none for native pixel data.

    `lossless`: decoding is bit-exact to what was encoded.
    """

    uid: str
    name: str
    decoders: tuple[Decoder, ...] = ()
    lossless: bool = True

    @property
    def encapsulated(self) -> bool:
        return bool(self.decoders)


JPEG, HTJ2K, DICOM_RLE = (Decoder(name, "imagecodecs") for name in ("jpeg8", "htj2k", "dicomrle"))
GDCM, PILLOW, PYJPEGLS = Decoder("gdcm", "python-gdcm"), Decoder("pillow", "pillow"), Decoder("pyjpegls", "pyjpegls")
RLE, OPENJPEG = Decoder("pylibjpeg", "pylibjpeg-rle"), Decoder("pylibjpeg", "pylibjpeg-openjpeg")

# PS3.5 A.1, A.2, A.3, A.5, A.4.2, A.4.1, A.4.3, A.4.4. The order is that of `python -m tests.bench.decoders`, where
# less than a fifth counts as nothing; every decoder of a row gives the same bits (tests/conformance). JPEG XL and video
# are absent: pydicom knows no decoder. In HTJ2K with loss, OpenJPH lets a value that the loss carried over the end of
# the scale wrap round.
TRANSFER_SYNTAXES: tuple[TransferSyntax, ...] = (
    TransferSyntax("1.2.840.10008.1.2.1", "Explicit VR Little Endian"),
    TransferSyntax("1.2.840.10008.1.2", "Implicit VR Little Endian"),
    TransferSyntax("1.2.840.10008.1.2.2", "Explicit VR Big Endian"),
    TransferSyntax("1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian"),
    TransferSyntax("1.2.840.10008.1.2.5", "RLE Lossless", (DICOM_RLE, RLE)),
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
