"""Commands that only look need the places of a node, and get them from a file that nothing else can be done with."""

from __future__ import annotations

from pathlib import Path

import pytest

from scp_node.errors import ConfigurationError
from scp_node.settings.file import load_settings
from scp_node.settings.for_reading import settings_for_reading

GOOD = """\
node: {ae_title: HILUM, data_dir: ./here}
remote_aes:
  pacs: {ae_title: ORTHANC, host: 127.0.0.1, port: 4242, may_send: true}
routes:
  - {name: chest, model: pneumonia@2.0.0, to: [pacs]}
"""
# What is wrong, how the file reads then, and which remote AEs and routes are left.
ELSEWHERE = {
    "unknown key": (GOOD.replace("may_send", "may_sned"), ["pacs"], ["chest"]),
    "unknown section": (GOOD + "webb: {}\n", ["pacs"], ["chest"]),
    "value out of range": (GOOD.replace("4242", "0"), [], ["chest"]),
    "unset secret": (GOOD.replace("may_send: true", "user: u, passcode: '${HILUM_UNSET}'"), ["pacs"], ["chest"]),
    "unset passphrase": (GOOD + "tls: {profile: bcp195, key_passphrase: '${HILUM_UNSET}'}\n", ["pacs"], ["chest"]),
    "bracket not closed": (GOOD.replace("to: [pacs]}", "to: [pacs}"), ["pacs"], []),
    "quote not closed": (GOOD.replace("ae_title: ORTHANC", 'ae_title: "ORTHANC'), [], ["chest"]),
    "tab": (GOOD.replace("  pacs:", "\tpacs:"), [], ["chest"]),
    "anchor": (GOOD.replace("host: 127.0.0.1", "host: &h 127.0.0.1"), ["pacs"], ["chest"]),
    "no AE title": (GOOD.replace("ae_title: HILUM, ", ""), ["pacs"], ["chest"]),
    "unknown remote AE": (GOOD.replace("to: [pacs]", "to: [pasc]"), ["pacs"], ["chest"]),
    "route without a name": (GOOD.replace("name: chest, ", ""), ["pacs"], []),
}
PLACES = {
    "data_dir misspelt": GOOD.replace("data_dir", "data_dri"),
    "data_dir a number": GOOD.replace("./here", "7"),
    "node not closed": GOOD.replace("./here}", "./here"),
    "node twice": GOOD + "node: {ae_title: OTHER, data_dir: ./there}\n",
    "no node": GOOD.partition("\n")[2],
    "database a secret": GOOD + "storage: {database_url: 'postgresql://x:${HILUM_UNSET}@db/x'}\n",
    "database misread": GOOD + "storage: {database_url: [}\n",
    "models misread": GOOD + "inference: {models_dir: [}\n",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "node.yaml"


def test_a_good_file_gives_what_it_always_gives(file: Path) -> None:
    file.write_text(GOOD)
    assert settings_for_reading(file) == load_settings(file)


@pytest.mark.parametrize("what", ELSEWHERE)
def test_a_mistake_elsewhere_is_left_out(file: Path, what: str) -> None:
    text, remote_aes, routes = ELSEWHERE[what]
    file.write_text(text)
    with pytest.raises(ConfigurationError):
        load_settings(file)
    found = settings_for_reading(file)
    assert found.node.data_dir == file.parent / "here"
    assert list(found.remote_aes) == remote_aes and [route.name for route in found.routes] == routes


@pytest.mark.parametrize("what", PLACES)
def test_a_file_that_does_not_tell_the_places_is_not_guessed_at(file: Path, what: str) -> None:
    file.write_text(PLACES[what])
    with pytest.raises(ConfigurationError, match="--data-dir FOLDER"):
        settings_for_reading(file)


def test_a_file_that_is_not_there_says_what_else_there_is(file: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"No such file or directory(?s:.)*--data-dir FOLDER"):
        settings_for_reading(file)


def test_a_folder_is_the_data_folder_itself(tmp_path: Path) -> None:
    found = settings_for_reading(tmp_path)
    assert found.node.data_dir == tmp_path and found.remote_aes == {} and found.routes == []
