"""One model, warm in ONNX Runtime, on the provider that is really in use."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state

from converter.package.manifest import Manifest
from scp_node.errors import ConfigurationError, InferenceFailed, InvalidScore, ModelUnusable
from scp_node.host.processors import usable_cores
from scp_node.inference.graph_contract import findings_axis, graph_problems
from scp_node.inference.packages import ModelPackage
from scp_node.inference.scores import Scores, checked_scores
from scp_node.inference.time_limits import terminating, within

__all__ = ["InferenceSession", "Scores"]

log = logging.getLogger(__name__)

# Name in the settings, name in ONNX Runtime, options. TF32 would round to 10 bits, and differently on each GPU;
# an exhaustive search for convolution algorithms would run anew for each batch size.
PROVIDERS: dict[str, tuple[str, dict[str, str]]] = {
    "cuda": ("CUDAExecutionProvider", {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"}),
    "cpu": ("CPUExecutionProvider", {}),
}
LOG_ERRORS_ONLY = 3
# ONNX Runtime's own exceptions share no parent but Exception.
RUNTIME_ERRORS: tuple[type[Exception], ...] = (
    RuntimeError,
    ValueError,
    *(
        kind
        for kind in vars(onnxruntime_pybind11_state).values()
        if isinstance(kind, type) and issubclass(kind, Exception)
    ),
)


class InferenceSession:
    """The graph of `package`, its weights and interface checked, warmed by one run.

    providers: 'cuda' and 'cpu' in order of preference; one that cannot be used is passed over, and the log says so.
    threads: CPU threads of one run; 0 = one less than the cores. load_timeout_s: for loading and the first run on one
    provider; run_timeout_s: for each later run.
    Raises ModelUnusable, or ConfigurationError when gpu_required and there is no GPU to use.
    """

    def __init__(
        self,
        package: ModelPackage,
        providers: Sequence[str] = ("cuda", "cpu"),
        threads: int = 0,
        gpu_required: bool = False,
        load_timeout_s: float = 60,
        run_timeout_s: float = 60,
    ) -> None:
        self.package, self._run_timeout_s = package, run_timeout_s
        weights = package.read_weights()
        wanted = [name for name in providers if name != "cpu"] if gpu_required else list(providers)
        failures: list[str] = []
        for name in wanted:
            session_options = _session_options(threads)
            try:
                cancelled = partial(session_options.set_load_cancellation_flag, True)
                work = partial(self._open, weights, name, session_options, load_timeout_s)
                within(load_timeout_s, f"{package.label}: loading", work, cancelled)
            except _ProviderUnusableError as error:
                failures.append(f"{name}: {error}")
                level = logging.INFO if error.expected else logging.WARNING
                log.log(level, "inference provider unusable: %s: %s", name, error, extra={"provider": name})
                continue
            self.provider = name
            log.info("model session ready", extra={"model": package.label, "provider": name})
            return
        if gpu_required:
            reasons = "; ".join(failures) or "inference.providers does not list cuda"
            raise ConfigurationError(
                f"inference.gpu_required is set, but no GPU can be used ({reasons}). "
                "Check the driver with nvidia-smi and that hilum[gpu] is installed, or set gpu_required: false."
            )
        raise ModelUnusable(f"{package.label}: no provider can run it: {'; '.join(failures)}")

    @property
    def manifest(self) -> Manifest:
        return self.package.manifest

    def run(self, batch: NDArray[np.float32]) -> Scores:
        """Score [N, ...] model inputs. Raises InferenceFailed (may be tried again) or InvalidScore (may not)."""
        if not np.isfinite(batch).all():
            raise InvalidScore("the model input holds NaN or infinity")
        named, further = self.manifest.outputs, {"gate": self.manifest.gate, "lungs": self.manifest.lungs}
        asked = {name: section.output for name, section in further.items() if section is not None}
        outputs = [named.probability, named.cam, *asked.values()]
        try:
            with terminating(self._run_timeout_s) as options:
                probability, cam, *others = self._session.run(outputs, {self.manifest.input.name: batch}, options)
        except RUNTIME_ERRORS as error:
            raise InferenceFailed(f"{self.package.label} failed on '{self.provider}': {_first_line(error)}") from error
        cam = np.moveaxis(cam, self._findings_axis, 1)
        return checked_scores(self.manifest, len(batch), probability, cam, **dict(zip(asked, others, strict=True)))

    def _open(self, weights: bytes, name: str, options: onnxruntime.SessionOptions, timeout_s: float) -> None:
        self._prepare(_open_session(weights, name, options), timeout_s)

    def _prepare(self, session: Any, timeout_s: float) -> None:
        """Check the interface, then run once: a CUDA installation may load and yet fail on its first kernel."""
        problems = graph_problems(self.manifest, session.get_inputs(), session.get_outputs())
        axis = None if problems else findings_axis(self.manifest, session.get_outputs())
        if axis is None:
            raise ModelUnusable(f"{self.package.onnx_path} is not what its manifest says: {'; '.join(problems)}")
        sides = [side if isinstance(side, int) else 1 for side in session.get_inputs()[0].shape]
        try:
            with terminating(timeout_s + 1) as options:  # later than whoever waits gives up, and says why
                session.run(None, {self.manifest.input.name: np.zeros(sides, np.float32)}, options)
        except RUNTIME_ERRORS as error:
            raise _ProviderUnusableError(_first_line(error)) from error
        self._session, self._findings_axis = session, axis


class _ProviderUnusableError(Exception):
    """This provider cannot run the model on this machine; the next one may. `expected`: nobody installed it."""

    def __init__(self, reason: str, expected: bool = False) -> None:
        super().__init__(reason)
        self.expected = expected


def _session_options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or max(1, usable_cores() - 1)
    options.inter_op_num_threads = 1
    # Threads that spin for their next work take the processor from the receiver, and from decoding.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = LOG_ERRORS_ONLY
    return options


def _open_session(weights: bytes, name: str, session_options: onnxruntime.SessionOptions) -> Any:
    provider, options = PROVIDERS[name]
    # The list names what was built in, not what the machine has, so that it can only exclude.
    if provider not in onnxruntime.get_available_providers():
        raise _ProviderUnusableError(f"this ONNX Runtime was built without {provider}", expected=True)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # ONNX Runtime prints what it does not find
            if name == "cuda":
                onnxruntime.preload_dlls()
            session = onnxruntime.InferenceSession(weights, session_options, providers=[(provider, options)])
    except RUNTIME_ERRORS as error:
        raise _ProviderUnusableError(_first_line(error)) from error
    session.disable_fallback()  # a failing GPU is to be seen, not silently replaced
    if session.get_providers()[0] != provider:
        taken = session.get_providers()[0]
        raise _ProviderUnusableError(f"ONNX Runtime took {taken} instead: the GPU or its libraries cannot be used")
    return session


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
