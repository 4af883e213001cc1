"""What the file writes is told from what has its default, also where both are the same."""

from __future__ import annotations

from pathlib import Path

from scp_node.queries.configuration import effective_settings, present_file
from scp_node.settings.file import settings_of

NODE = """\
node: {ae_title: HILUM, port: 11112}
remote_aes:
  pacs: {ae_title: PACS, host: 127.0.0.1, port: 104, may_send: true}
routes:
  - {name: chest, model: pneumonia, to: [pacs], results: [sr, heatmap]}
"""


def test_a_value_that_is_written_counts_as_written_where_it_is_the_default_too(tmp_path: Path) -> None:
    path = tmp_path / "node.yaml"
    path.write_text(NODE)
    settings = settings_of(path, NODE.encode()).settings
    assert settings is not None
    sections = effective_settings(settings, present_file(path, settings))
    written = {one.name: [value.key for value in one.values if not value.is_default] for one in sections}
    assert written["node"] == ["ae_title", "port"]
    assert sorted(written["remote_aes.pacs"]) == ["ae_title", "host", "may_send", "port"]
    assert sorted(written["routes[0]"]) == ["model", "name", "results", "to"]
