"""The files that pydicom tests itself with, from its wheel and the package pydicom-data: read, rendered, received.

Only what is installed is read: pydicom would fetch other files from the network, and those are left alone.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pydicom.data
import pytest
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.pixels.utils import pixel_array

from converter.declined import Declined
from converter.errors import ConverterError
from converter.image.convert import Converted, convert
from converter.image.decode import decode_frame
from converter.image.header import without_warnings
from converter.image.image_file import read_header, read_image
from converter.image.sop_classes import KNOWN_CLASSES
from converter.package.intended_use import AgeRange, IntendedUse
from converter.package.network import InputSpec, Normalisation
from scp_node.receive.scp import StorageScp
from scp_node.settings import Settings
from scp_node.storage.spool import Spool
from tests.support.node.receiving import MemoryLedger, data_set_of, receiving_settings
from tests.support.peers.raw_scu import ASSOCIATE_AC, RawPeer

SPEC = InputSpec(height=64, width=64, layout="NCHW", normalisation=Normalisation(name="scale"))
USE = IntendedUse(
    modalities=("CR", "DX", "CT", "MR", "OT"),
    body_parts=(),
    views=(),
    ages=AgeRange(min_years=0, max_years=150),
    statement="any",
    limits=(),
)
FRAMES_MAX = 3

# Files whose pixels pydicom reads and we refuse, each with its reason.
REFUSED = {
    "only 8 and 16 bits allocated are decoded (these have 32)": {
        *(f"SC_rgb_{encoding}32bit{frames}.dcm" for encoding in ("", "expb_", "rle_") for frames in ("", "_2frame")),
        *(f"rtdose{encoding}{frames}.dcm" for encoding in ("", "_expb", "_rle") for frames in ("", "_1frame")),
    },
    "only 8 and 16 bits allocated are decoded (these are segmentations of 1 bit)": {
        *(f"liver{encoding}{frames}.dcm" for encoding in ("", "_expb") for frames in ("", "_1frame")),
    },
}
# A file of whose damaged header pydicom reads less, and not how many frames there are.
MORE_FRAMES = {"emri_small_jpeg_2k_lossless_too_short.dcm"}
# Files whose pixels we read and pydicom does not, as it is called here.
MORE_THAN_PYDICOM = {
    "a data set without file meta information; its own elements tell how it is written": {"OT-PAL-8-face.dcm"},
    "a deflated data set": {"image_dfl.dcm"},
    "12-bit JPEG Extended, for which pydicom's decoders are built for 8 bits": {"JPEG-lossy.dcm", "JPGExtended.dcm"},
    "an offset table that is no table": {"SC_rgb_jpeg.dcm"},
}
# Files that the receiver refuses: the status and its reason, the files.
NOT_STORED = {
    (0xC000, "the data set has no Study Instance UID"): {
        "chrSQEncoding.dcm",
        "chrSQEncoding1.dcm",
        "JPEGLSNearLossless_08.dcm",
        "JPEGLSNearLossless_16.dcm",
        "SC_rgb_jls_lossy_line.dcm",
        "SC_rgb_jls_lossy_sample.dcm",
        "UN_sequence.dcm",
        "priv_SQ.dcm",
    },
    (0xC000, "its UIDs were replaced by digests in hexadecimal, which are no UIDs"): {"bad_sequence.dcm"},
    (0xC000, "the data set ends within its Pixel Data"): {"MR_truncated.dcm"},
    (0xA900, "file meta information and data set name different instances"): {
        "chrJapMulti.dcm",
        "chrJapMultiExplicitIR6.dcm",
    },
}


def folders() -> list[Path]:
    """Where the installed files lie."""
    found = [Path(pydicom.data.__file__).parent / name for name in ("test_files", "charset_files")]
    data_store = importlib.util.find_spec("data_store")
    if data_store is not None and data_store.origin is not None:
        found.append(Path(data_store.origin).parent / "data")
    return found


FILES = sorted(
    path for folder in folders() for path in folder.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")
)


def _names(table: Mapping[Any, set[str]]) -> set[str]:
    return set().union(*table.values())


def name_of(path: Path) -> str:
    return "/".join(path.parts[-2:])


@pytest.mark.timeout(30)
@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_is_converted_declined_or_refused_with_a_code(path: Path) -> None:
    for use in (USE, None):
        try:
            outcome: Converted | Declined | ConverterError = convert(path, SPEC, use, 128, 50_000_000)
        except ConverterError as refusal:
            outcome = refusal
        if isinstance(outcome, Converted):
            assert outcome.model_input.shape == (1, 64, 64) and np.isfinite(outcome.model_input).all()
        else:
            assert outcome.code
    try:
        header: Dataset | ConverterError = read_header(path)
    except ConverterError as refusal:
        header = refusal
    assert isinstance(header, ConverterError) or "SOPClassUID" in header


@pytest.mark.timeout(60)
@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_stored_values_are_those_that_pydicom_reads(path: Path) -> None:
    ours, theirs = stored_by_us(path), stored_by_pydicom(path)
    assert (ours is None and theirs is not None) == (path.name in _names(REFUSED))
    assert (ours is not None and theirs is None) == (path.name in _names(MORE_THAN_PYDICOM))
    if ours is not None and theirs is not None:
        assert len(ours) == len(theirs) or path.name in MORE_FRAMES
        for mine, reference in zip(ours, theirs, strict=False):
            np.testing.assert_array_equal(mine, reference)


def stored_by_us(path: Path) -> list[NDArray[np.int64]] | None:
    """The stored values of the first frames, None where we refuse them."""
    try:
        ds = read_image(path)
        if not isinstance(ds, Dataset):
            return None
        frames = decode_frame(ds).layout.frames
        return [_stored_values(ds, index) for index in range(min(frames, FRAMES_MAX))]
    except ConverterError:
        return None


def stored_by_pydicom(path: Path) -> list[NDArray[np.int64]] | None:
    """The same by pydicom, None where it fails, in whichever way."""
    with without_warnings():
        try:
            frames = int(pydicom.dcmread(path).get("NumberOfFrames") or 1)
            return [_read_by_pydicom(path, index) for index in range(min(frames, FRAMES_MAX))]
        except Exception:  # noqa: BLE001  it raises AttributeError, RuntimeError, ValueError and others
            return None


def _read_by_pydicom(path: Path, index: int) -> NDArray[np.int64]:
    return pixel_array(path, index=index, raw=True).astype(np.int64)


def _stored_values(ds: Dataset, index: int) -> NDArray[np.int64]:
    frame = decode_frame(ds, index)
    bits = frame.layout.bits_stored
    values = (frame.words.astype(np.int64) >> frame.shift) & ((1 << bits) - 1)
    return np.where(values >> (bits - 1), values - (1 << bits), values) if frame.layout.signed else values


def test_the_files_are_there_and_the_explained_ones_among_them() -> None:
    """Without pydicom-data a third of them is missing: it is in the extra [dev]."""
    names = {path.name for path in FILES}
    assert len(FILES) >= 250
    assert _names(REFUSED) | _names(MORE_THAN_PYDICOM) | _names(NOT_STORED) <= names


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[StorageScp, MemoryLedger]]:
    """A receiver that takes radiographs and slices."""
    folder, ledger = tmp_path_factory.mktemp("receiver"), MemoryLedger()
    scp = StorageScp(_settings(folder), Spool(folder / "spool"), ledger, port=0)
    scp.start()
    yield scp, ledger
    scp.stop(drain_s=5)


def _settings(folder: Path) -> Settings:
    settings = receiving_settings(folder)
    route = settings.routes[0]
    when = route.when.model_copy(update={"modality": ["CR", "DX", "CT", "MR"]})
    return settings.model_copy(update={"routes": [route.model_copy(update={"when": when})]})


@pytest.mark.timeout(120)
def test_every_file_of_a_negotiated_class_is_stored_or_refused_for_a_reason(
    receiver: tuple[StorageScp, MemoryLedger],
) -> None:
    scp, ledger = receiver
    stored, refused = list[str](), dict[str, int]()
    for path in FILES:
        meta = _file_meta(path)
        if meta is None or meta.MediaStorageSOPClassUID not in KNOWN_CLASSES:
            continue
        ledger.rows.clear()  # many of them are one image in several syntaxes
        with RawPeer(scp.port) as peer:
            answer, _ = peer.associate([(meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID)])
            assert answer == ASSOCIATE_AC and peer.accepted, f"{path.name}: {meta.TransferSyntaxUID} is not accepted"
            data = data_set_of(path.read_bytes())
            response = peer.store(data, meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID)
            peer.release()
        if response.status:
            refused[path.name] = response.status
        else:
            stored.append(path.name)
            assert str(meta.MediaStorageSOPInstanceUID) in ledger.rows
    assert refused == {name: status for (status, _), names in NOT_STORED.items() for name in names}
    assert len(stored) >= 100


def _file_meta(path: Path) -> Dataset | None:
    """The file meta information, None where it does not say what a sender has to know."""
    with without_warnings():
        try:
            meta = pydicom.dcmread(path, specific_tags=[]).file_meta
        except InvalidDicomError:
            return None
    needed = (
        "MediaStorageSOPClassUID",
        "MediaStorageSOPInstanceUID",
        "TransferSyntaxUID",
        "FileMetaInformationGroupLength",
    )
    return meta if all(keyword in meta for keyword in needed) else None
