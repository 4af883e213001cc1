"""Where the parts of a node are, and what it is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from scp_node.settings import Settings
from scp_node.settings.places import worker_name
from tests.support.node.receiving import receiving_settings

ON_POSTGRESQL = {"storage": {"database_url": "postgresql+psycopg://db/hilum"}}


def settings_in(folder: Path, database: str) -> Settings:
    folder.mkdir(exist_ok=True)
    found = receiving_settings(folder)
    return (
        found
        if database == "sqlite"
        else Settings.model_validate({**found.model_dump(by_alias=True, exclude_unset=True), **ON_POSTGRESQL})
    )


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_worker_keeps_its_name_and_another_folder_has_another(tmp_path: Path, database: str) -> None:
    names = [worker_name(settings_in(tmp_path / folder, database)) for folder in ("one", "one", "other")]
    assert names[0] == names[1] != names[2]


def test_on_a_database_that_hosts_share_the_path_of_the_folder_is_not_enough(tmp_path: Path) -> None:
    """Two containers have the same one, and so have clones of a machine, whose start is told apart too."""
    settings = settings_in(tmp_path / "data", "postgresql")
    before = worker_name(settings)
    (tmp_path / "data").rename(tmp_path / "moved")
    (tmp_path / "data").mkdir()
    assert worker_name(settings) != before
