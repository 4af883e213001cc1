"""The table of transfer syntaxes. A node offers its senders exactly these, because exactly these can be decoded."""

from __future__ import annotations

from dataclasses import dataclass

IMAGECODECS, GDCM_PACKAGE = "imagecodecs", "python-gdcm"


@dataclass(frozen=True)
class Decoder:
    """`name`: a function of imagecodecs (`NAME_decode`), GDCM, else a plug-in of pydicom; `package`: what brings it.

    `colour`: whether it is asked for frames of three samples too. imagecodecs is not: pydicom knows what three samples
    mean. `strict`: it refuses a codestream that ends too early; one that does not paints what is missing.
    """

    name: str
    package: str
    colour: bool = True
    strict: bool = True


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

JPEG = Decoder("jpeg8", IMAGECODECS, colour=False, strict=False)
HTJ2K = Decoder("htj2k", IMAGECODECS, colour=False, strict=False)
DICOM_RLE, JPEG_LS, JPEG_2000 = (Decoder(name, IMAGECODECS, colour=False) for name in ("dicomrle", "jpegls", "jpeg2k"))
PILLOW, PYJPEGLS = Decoder("pillow", "pillow", strict=False), Decoder("pyjpegls", "pyjpegls")
RLE, OPENJPEG = Decoder("pylibjpeg", "pylibjpeg-rle"), Decoder("pylibjpeg", "pylibjpeg-openjpeg")
GDCM, GDCM_JPEG = Decoder("gdcm", GDCM_PACKAGE, colour=False), Decoder("gdcm", GDCM_PACKAGE, strict=False)
GDCM_GRAY_JPEG = Decoder("gdcm", GDCM_PACKAGE, colour=False, strict=False)

# PS3.5 A.1, A.2, A.3, A.5, A.4.2, A.4.1, A.4.3, A.4.4. The fastest decoder comes first (measured by
# `python -m tests.bench.decoders`; differences below a fifth are ignored). All decoders of a row give the same bits
# (tests/conformance). GDCM comes last: it is the last resort (converter/image/gdcm.py). JPEG XL and video are
# absent, because pydicom knows no decoder. OpenJPH does not serve for lossy HTJ2K: a value that the loss makes larger
# than the scale wraps round in it.
TRANSFER_SYNTAXES: tuple[TransferSyntax, ...] = (
    TransferSyntax("1.2.840.10008.1.2.1", "Explicit VR Little Endian"),
    TransferSyntax("1.2.840.10008.1.2", "Implicit VR Little Endian"),
    TransferSyntax("1.2.840.10008.1.2.2", "Explicit VR Big Endian"),
    TransferSyntax("1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian"),
    TransferSyntax(RLE_LOSSLESS, "RLE Lossless", (DICOM_RLE, RLE)),
    TransferSyntax("1.2.840.10008.1.2.4.50", "JPEG Baseline", (JPEG, PILLOW, GDCM_GRAY_JPEG), lossless=False),
    TransferSyntax("1.2.840.10008.1.2.4.51", "JPEG Extended", (JPEG, GDCM_GRAY_JPEG), lossless=False),
    TransferSyntax("1.2.840.10008.1.2.4.57", "JPEG Lossless", (JPEG, GDCM_JPEG)),
    TransferSyntax("1.2.840.10008.1.2.4.70", "JPEG Lossless SV1", (JPEG, GDCM_JPEG)),
    TransferSyntax("1.2.840.10008.1.2.4.80", "JPEG-LS Lossless", (PYJPEGLS, JPEG_LS, GDCM)),
    TransferSyntax("1.2.840.10008.1.2.4.81", "JPEG-LS Near-lossless", (PYJPEGLS, JPEG_LS, GDCM), lossless=False),
    TransferSyntax("1.2.840.10008.1.2.4.90", "JPEG 2000 Lossless", (OPENJPEG, JPEG_2000, GDCM)),
    TransferSyntax("1.2.840.10008.1.2.4.91", "JPEG 2000", (OPENJPEG, JPEG_2000, GDCM), lossless=False),
    TransferSyntax("1.2.840.10008.1.2.4.201", "HTJ2K Lossless", (HTJ2K, OPENJPEG)),
    TransferSyntax("1.2.840.10008.1.2.4.202", "HTJ2K Lossless RPCL", (HTJ2K, OPENJPEG)),
    TransferSyntax("1.2.840.10008.1.2.4.203", "HTJ2K", (OPENJPEG, JPEG_2000), lossless=False),
)

_BY_UID = {syntax.uid: syntax for syntax in TRANSFER_SYNTAXES}


def transfer_syntax(uid: str) -> TransferSyntax | None:
    """The row of `uid`, or None when pixel data in that syntax cannot be decoded."""
    return _BY_UID.get(uid)
