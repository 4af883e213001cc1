"""How pages write what deeper rooms say."""

from __future__ import annotations

from scp_node.web.pages.formats import coded


def test_what_stands_between_ticks_is_code_and_nothing_of_it_is_markup() -> None:
    assert coded("<b>: `hilum explain <X>` tells.") == ("&lt;b&gt;: <code>hilum explain &lt;X&gt;</code> tells.")
