"""Films and their maps, as a page lays one over the other: rendered from the spool, in the child process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from converter.declined import Declined
from converter.package.network import InputSpec, Normalisation
from converter.result.lung_layer import lung_layer
from converter.result.map_colours import map_layer
from scp_node.errors import PictureFailed
from scp_node.ledger.outline_column import unpacked
from scp_node.web.pictures.films_kept import Film
from scp_node.web.pictures.workshop import Workshop

SIDE_MAX = 2048
# No model sees it: the rendering is what counts.
SPEC = InputSpec(height=32, width=32, layout="NCHW", normalisation=Normalisation(name="scale"), jpeg2000_reduced=True)


def film(workshop: Workshop, arguments: dict[str, Any], blobs: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """The film in the file `spool_name`, as PNG of 8 bits. Its place in the stored frame comes with it."""
    made = rendered(workshop, spool_path(workshop, arguments["spool_name"]))
    rows, columns = made.pixels.shape
    return {"rows": rows, "columns": columns, "to_source": made.to_source.tolist()}, [_png(made.pixels)]


def film_map(workshop: Workshop, arguments: dict[str, Any], blobs: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """The activation map in the first blob, `rows` x `columns` float32, as a coloured layer of the size of its film.
    `full_scale`: what full colour stands for, or None; a second blob has the outline of the lungs."""
    cam = np.frombuffer(blobs[0], dtype="<f4").reshape(arguments["rows"], arguments["columns"]).astype(np.float32)
    made = rendered(workshop, spool_path(workshop, arguments["spool_name"]))
    lungs = unpacked(blobs[1]) if len(blobs) > 1 else None
    layer = map_layer(made.pixels, cam, arguments["full_scale"], lungs)
    return {}, [_png(np.asarray(cv2.cvtColor(layer, cv2.COLOR_RGBA2BGRA), np.uint8))]


def film_lungs(workshop: Workshop, arguments: dict[str, Any], blobs: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """The outline of the lungs in the blob, as the ledger keeps it, as a layer of the size of its film."""
    outline = unpacked(blobs[0])
    rows, columns = rendered(workshop, spool_path(workshop, arguments["spool_name"])).pixels.shape
    layer = lung_layer((rows, columns), outline)
    return {}, [_png(np.asarray(cv2.cvtColor(layer, cv2.COLOR_RGBA2BGRA), np.uint8))]


def spool_path(workshop: Workshop, spool_name: str) -> Path:
    return workshop.blobs.path(spool_name)


def rendered(workshop: Workshop, path: Path) -> Film:
    """The film in a file of the spool. Raises PictureFailed where it has no picture."""
    kept = workshop.films.get(path)
    if kept is not None:
        return kept
    found = workshop.decoding.convert(path, SPEC, None, SIDE_MAX, workshop.settings.inference.pixels_max)
    if isinstance(found, Declined):
        raise PictureFailed(found.code, found.reason)
    return workshop.films.put(path, Film(np.ascontiguousarray(found.preview), found.preview_to_source))


def _png(pixels: NDArray[np.uint8]) -> bytes:
    encoded, data = cv2.imencode(".png", pixels)
    if not encoded:
        raise PictureFailed("not-encoded", f"OpenCV could not encode a picture of shape {pixels.shape}")
    return data.tobytes()
