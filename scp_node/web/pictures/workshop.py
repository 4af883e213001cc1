"""What the tasks of one child share: its settings, its decoding processes, its films, the models that it has loaded."""

from __future__ import annotations

from functools import cached_property

from scp_node.decode.pool import DecodePool
from scp_node.settings import Settings
from scp_node.settings.places import model_folders
from scp_node.storage.blobs import SpoolFiles
from scp_node.storage.opening import open_blobs
from scp_node.web.pictures.films_kept import FilmsKept
from scp_node.web.pictures.loaded_for_uploads import LastModels

DECODE_PROCESSES, NICENESS = 1, 15


class Workshop:
    """Everything is made when it is first needed."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.films = FilmsKept()

    @cached_property
    def blobs(self) -> SpoolFiles:
        """Images and results."""
        return open_blobs(self.settings)

    @cached_property
    def decoding(self) -> DecodePool:
        """Confined processes that read headers and decode pixels."""
        return DecodePool.of(self.settings.inference, DECODE_PROCESSES, NICENESS)

    @cached_property
    def models(self) -> LastModels:
        """Those that uploads are analysed with."""
        return LastModels(model_folders(self.settings), self.settings.inference)

    def close(self) -> None:
        if "decoding" in self.__dict__:
            self.decoding.close()
        if "models" in self.__dict__:
            self.models.close()
