"""A node that could start: its configuration, a model package, certificates, and what can be broken of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.support.models.tiny_model import copy_tiny
from tests.support.peers.certificates import Authority, Identity, tls_section
from tests.support.peers.ports import free_port


@dataclass
class Site:
    """`document` is what `write` writes into `config`."""

    folder: Path
    document: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        copy_tiny(self.folder / "models")
        self.document = {
            "node": {"ae_title": "HILUM", "port": free_port(), "data_dir": "./data"},
            "web": {"port": free_port()},
            "remote_aes": {"pacs": {"ae_title": "PACS", "host": "127.0.0.1", "port": free_port(), "may_send": True}},
            "routes": [{"name": "chest", "model": "tiny@1.0.0", "to": ["pacs"]}],
            "inference": {"models_dir": "./models", "providers": ["cpu"]},
            "storage": {"used_percent_max": 100, "free_bytes_min": 1, "inodes_free_percent_min": 0},
        }
        self.write()

    @property
    def config(self) -> Path:
        return self.folder / "node.yaml"

    @property
    def data_dir(self) -> Path:
        return self.folder / "data"

    @property
    def package(self) -> Path:
        return self.folder / "models" / "tiny" / "1.0.0"

    @property
    def route(self) -> dict[str, Any]:
        return dict(self.document["routes"][0])

    def write(self) -> None:
        self.config.write_text(yaml.safe_dump(self.document, sort_keys=False))

    def change(self, section: str, **values: Any) -> None:
        """Change keys of a section."""
        self.document[section] = {**self.document.get(section, {}), **values}
        self.write()

    def change_route(self, **values: Any) -> None:
        self.document["routes"] = [{**self.route, **values}, *self.document["routes"][1:]]
        self.write()

    def use_tls(self, **identity: Any) -> tuple[Authority, Identity]:
        """Section tls with a certificate of an authority of its own."""
        authority = Authority(self.folder / "tls")
        own = authority.identity("node", **identity)
        self.document["tls"] = tls_section(authority, own)
        self.write()
        return authority, own
