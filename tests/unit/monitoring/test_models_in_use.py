"""What an administrator is told that each package does is what the running worker does."""

from __future__ import annotations

from pathlib import Path

from scp_node.monitoring.models_in_use import ModelUse, models_in_use
from scp_node.settings import Settings
from scp_node.telemetry.heartbeat import RoleStatus
from tests.support.models.tiny_model import copy_tiny


def uses(models_dir: Path, model: str, *loaded: str) -> dict[str, ModelUse]:
    settings = Settings.model_validate(
        {
            "node": {"ae_title": "HILUM"},
            "remote_aes": {"pacs": {"ae_title": "PACS", "host": "127.0.0.1", "port": 104, "may_send": True}},
            "routes": [{"name": "chest", "model": model, "to": ["pacs"]}],
        }
    )
    metrics = "".join(f'hilum_model_ready{{model="{label}",provider="cpu"}} 1.0\n' for label in loaded)
    return models_in_use(settings, models_dir, [RoleStatus("worker", (), 0.0, metrics)], [])


def test_a_version_that_was_put_beside_the_one_that_runs_does_nothing_yet(tmp_path: Path) -> None:
    for version in ("1.0.0", "1.1.0"):
        copy_tiny(tmp_path, version=version)
    (running,) = uses(tmp_path, "tiny", "tiny@1.0.0").values()
    assert (running.label, running.routes, running.provider) == ("tiny@1.0.0", ("chest",), "cpu")
    (stopped,) = uses(tmp_path, "tiny").values()
    assert (stopped.label, stopped.provider) == ("tiny@1.1.0", "")
    (named,) = uses(tmp_path, "tiny@1.1.0", "tiny@1.0.0").values()
    assert (named.label, named.provider) == ("tiny@1.1.0", "")
    (both,) = uses(tmp_path, "tiny", "tiny@1.0.0", "tiny@1.1.0").values()
    assert (both.label, both.provider) == ("tiny@1.1.0", "cpu")


def test_a_broken_version_that_was_put_beside_the_one_that_runs_does_nothing_either(tmp_path: Path) -> None:
    copy_tiny(tmp_path)
    (copy_tiny(tmp_path, version="2.0.0") / "manifest.yaml").write_text("name: tiny")
    assert set(uses(tmp_path, "tiny", "tiny@1.0.0")) == {"tiny@1.0.0"}
    assert set(uses(tmp_path, "tiny")) == {"tiny"}
