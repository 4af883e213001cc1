"""What is shipped for several machines is taken by the programs that it is for."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from scp_node.ledger.database import open_database
from scp_node.node.role import ROLES
from tests.handbook.commands import fault_of
from tests.support.checkout import CONFIG
from tests.support.peers.haproxy import SHIPPED, accepts
from tests.support.peers.postgresql import Postgresql

DEPLOY = CONFIG / "deploy"
WHOLE, ONE_ROLE = DEPLOY / "hilum.service", DEPLOY / "hilum@.service"
SETTING = re.compile(r"^(#?)([a-z_]+) = ('?)(.*)\3$", re.MULTILINE)


@pytest.mark.peer("haproxy")
def test_haproxy_accepts_its_configuration_and_a_mistake_is_seen(tmp_path: Path) -> None:
    said = accepts(SHIPPED)
    assert said.returncode == 0 and "WARNING" not in said.stdout + said.stderr, said.stderr
    wrong = tmp_path / "haproxy.cfg"
    wrong.write_text(SHIPPED.read_text().replace("send-proxy-v2", "send-proxy-v9"))
    assert accepts(wrong).returncode != 0


def test_each_role_has_its_unit_which_is_else_that_of_the_whole_node() -> None:
    whole, one_role = (path.read_text().partition("[Unit]")[2] for path in (WHOLE, ONE_ROLE))
    assert one_role.replace(" --only %i", "").replace(": %i", "") == whole
    (command,) = re.findall(r"^ExecStart=/opt/hilum/bin/(.*)$", one_role, re.MULTILINE)
    for role in ROLES:
        assert fault_of(command.replace("%i", role)) == ""


@pytest.mark.peer("systemd-analyze")
@pytest.mark.parametrize("role", ROLES)
def test_systemd_accepts_the_unit_of_each_role(tmp_path: Path, role: str) -> None:
    unit = tmp_path / f"hilum@{role}.service"
    unit.write_text(ONE_ROLE.read_text().replace("/opt/hilum/bin/hilum", sys.executable))
    command = ["systemd-analyze", "verify", "--man=no", str(unit)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert str(unit.name) not in said.stderr and said.returncode == 0, said.stderr


def test_postgresql_knows_every_setting_and_takes_its_value(postgresql: Postgresql) -> None:
    settings = SETTING.findall((DEPLOY / "hilum-postgresql.conf").read_text())
    assert len(settings) > 10
    engine = open_database(postgresql.url())
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        known = set(connection.execute(sa.text("SELECT name FROM pg_settings")).scalars())
        for is_example, name, _, value in settings:
            assert name in known, name
            if not is_example:
                assert takes(connection, name, value), name
        assert not takes(connection, "synchronous_commit", "sometimes")
    engine.dispose()


def takes(connection: sa.Connection, name: str, value: str) -> bool:
    """Whether the server may be told so; it goes by nothing of it, and nothing is left."""
    try:
        connection.exec_driver_sql(f"ALTER SYSTEM SET {name} = '{value}'")
    except sa.exc.DBAPIError:
        return False
    connection.exec_driver_sql(f"ALTER SYSTEM RESET {name}")
    return True
