"""A ledger that a newer release has used is refused in words, and stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from scp_node.errors import ConfigurationError
from scp_node.ledger.database import migrate
from scp_node.ledger.shape import known_revisions, revision_of, shape_of
from tests.support.ledger.ledgers import new_ledger


def test_a_ledger_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    engine = new_ledger(tmp_path).engine
    assert shape_of(engine).found == known_revisions()[0] and not shape_of(engine).fault
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE hilum_alembic_version SET version_num = '9001'")
    with pytest.raises(ConfigurationError, match=r"ledger\.db is of a newer release of Hilum .* shape 9001"):
        migrate(engine)
    with engine.connect() as connection:
        assert revision_of(connection) == "9001"
    engine.dispose()
