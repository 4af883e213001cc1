"""Charts that need no script and no inline style, and that can be read aloud."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from markupsafe import Markup

from scp_node.web.pages.charts import bars, sparkline

SVG = "{http://www.w3.org/2000/svg}"


def parsed(chart: Markup) -> ElementTree.Element:
    return ElementTree.fromstring(f'<svg xmlns="http://www.w3.org/2000/svg">{chart}</svg>')[0]


@pytest.mark.parametrize("values", [(), (0,), (0, 0, 0), (1, 5, 3), (0.001, 90_000.0)])
def test_a_chart_has_a_title_a_description_and_a_shape_within_its_box(values: tuple[float, ...]) -> None:
    words = ("Title <b>", "Said & done")
    for chart in (bars(values, "a", *words), sparkline(values, "b", *words, 2.0)):
        root = parsed(chart)
        assert (root.findtext(f"{SVG}title"), root.findtext(f"{SVG}desc")) == words
        assert root.attrib["role"] == "img" and "style" not in str(chart)
        for shape in root.iter():
            for name in ("y", "y1", "y2", "height"):
                assert 0 <= float(shape.attrib.get(name, 0)) <= 64
            for point in shape.attrib.get("points", "").split():
                x, y = map(float, point.split(","))
                assert 0 <= x <= 360 and 0 <= y <= 64


def test_the_last_bar_is_not_over_yet() -> None:
    shapes = [shape.attrib["class"] for shape in parsed(bars((1, 2, 3), "a", "t", "d")) if "rect" in shape.tag]
    assert shapes == ["bar", "bar", "bar last"]
