"""The models that uploads were last analysed with: each loaded and proven when it is first asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from scp_node.inference.loaded_models import LoadedModel, LoadedModels
from scp_node.inference.packages import find_package, state_of
from scp_node.settings import Inference

MODELS_MAX = 3


class LastModels:
    """At most MODELS_MAX models; the one that nobody has asked for longest makes room for another. A package that was
    replaced is loaded anew. For one thread."""

    def __init__(self, folders: Sequence[Path], settings: Inference) -> None:
        self._folders, self._settings = folders, settings
        self._loaded: OrderedDict[str, LoadedModels] = OrderedDict()
        self._pins: dict[str, str] = {}
        self._state: tuple[tuple[str, int], ...] = ()

    def get(self, name: str) -> LoadedModel:
        """The model that `find_package` finds under `name`. Raises ModelUnusable."""
        pin = self._pin(name)
        if pin not in self._loaded:
            one = LoadedModels(self._folders, self._settings)
            one.get(pin)
            self._loaded[pin] = one
        self._loaded.move_to_end(pin)
        while len(self._loaded) > MODELS_MAX:
            _, oldest = self._loaded.popitem(last=False)
            oldest.close()
        return self._loaded[pin].get(pin)

    def _pin(self, name: str) -> str:
        """Which package that is; read once, until one comes, goes or is replaced."""
        state = state_of(self._folders)
        if state != self._state:
            self._pins, self._state = {}, state
        if name not in self._pins:
            self._pins[name] = find_package(self._folders, name).pin
        return self._pins[name]

    def close(self) -> None:
        for one in self._loaded.values():
            one.close()
