"""What a fit leaves behind: the gate's network, its graph, and all that a manifest says of it but the figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
import onnxruntime
import tensorflow as tf
import tf2onnx
import yaml
from numpy.typing import NDArray

from converter.image.model_input import to_model_input
from converter.package.gate import Gate, GateKind, GateSource
from training.data.cohorts import COHORTS
from training.gate.packaged import GRAPH, SPEC
from training.gate.pool import PictureGroup, as_gray
from training.gate.spec import GATE_INPUT, GRAPH_INPUT
from training.gate.subjects import Subject
from training.gate.threshold import choose_threshold
from training.packaging.canonical import canonical
from training.packaging.hygiene import OPSET

NETWORK = "gate.keras"


def save(
    subject: Subject, folder: Path, network: keras.Model, val: Sequence[PictureGroup], learned: Sequence[PictureGroup]
) -> Gate:
    """Write the fitted gate to `folder`; its threshold is decided on the pictures of `val`, one group a cohort."""
    folder.mkdir(parents=True, exist_ok=True)
    network.save(folder / NETWORK)
    graph = to_graph(network)
    (folder / GRAPH).write_bytes(graph)
    threshold, rule = choose_threshold({group.name: accepted_shares(graph, group.pictures) for group in val})
    gate = Gate(
        kinds=tuple(GateKind(name=kind.name, code=kind.code, reason=kind.reason) for kind in subject.kinds),
        threshold=threshold,
        threshold_rule=rule,
        sources=tuple(sources_of(subject, learned)),
        limits=subject.limits,
    )
    text = yaml.safe_dump(gate.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=120)
    (folder / SPEC).write_text(text, encoding="utf-8")
    return gate


def to_graph(network: keras.Model) -> bytes:
    """[N, 1, 64, 64] -> gate [N, kinds], the same bytes each time."""
    signature = (tf.TensorSpec((None, GATE_INPUT.height, GATE_INPUT.width, 1), tf.float32, name=GATE_INPUT.name),)
    graph, _ = tf2onnx.convert.from_keras(
        network, input_signature=signature, opset=OPSET, inputs_as_nchw=[GATE_INPUT.name]
    )
    for value in (*graph.graph.input, *graph.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    return bytes(canonical(graph, ["gate"]).SerializeToString(deterministic=True))


def accepted_shares(graph: bytes, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What the gate's own graph says of pictures [n, side, side]: the share for the accepted kind."""
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    inputs = np.stack([to_model_input(as_gray(picture), GRAPH_INPUT) for picture in pictures])
    shares: NDArray[np.float32] = session.run(["gate"], {GATE_INPUT.name: inputs})[0]
    return shares[:, 0]


def sources_of(subject: Subject, learned: Sequence[PictureGroup]) -> Iterator[GateSource]:
    """How the manifest names what was learned from: the films of each cohort, what was made of them, each source."""
    licences = {source.name: source.licence for source in subject.sources}
    films = [group for group in learned if group.kind == subject.accepted]
    of_films = "; ".join(dict.fromkeys(COHORTS[group.name].licence for group in films))
    for group in learned:
        licence = licences.get(group.name) or COHORTS[group.name].licence
        yield GateSource(name=group.name, kind=group.kind, images=len(group.pictures), licence=licence)
    for kind in subject.ways:
        images = sum(len(group.pictures) for group in films)
        yield GateSource(name=f"the same films, {kind}", kind=kind, images=images, licence=of_films)
