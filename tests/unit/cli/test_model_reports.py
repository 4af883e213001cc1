"""`hilum models agreement` and `drift` tell their reports in lines."""

from __future__ import annotations

from scp_node.cli.model_reports import agreement_lines, drift_lines
from scp_node.monitoring.agreement import Agreement, Differing, Unscored
from scp_node.monitoring.drift import SenderDrift, Shift


def test_agreement_is_told_with_its_table_and_the_images_that_differ_most() -> None:
    differing = (Differing("1.2.3", 0.2, 0.9, True), Differing("1.2.4", 0.2, 0.3, False))
    pair = Agreement(
        *("chest", "tiny@1.0.0", "tiny@1.1.0", "bright", 2),
        mean_difference=0.4,
        mean_absolute_difference=0.4,
        correlation=None,
        table=((1, 1), (0, 0)),
        kappa=0.0,
        differing=differing,
    )
    unscored = Unscored("chest", "tiny@1.0.0", "tiny@1.1.0", "declined", "not-frontal", 2)
    assert list(agreement_lines([pair], [unscored])) == [
        "bright: tiny@1.0.0 and tiny@1.1.0, route chest",
        "  images              2",
        "  mean difference     +0.4000 (absolute 0.4000)",
        "  correlation         not defined",
        "  both negative              1    only second positive        1",
        "  only first positive        0    both positive               0",
        "  kappa               0.0000",
        "  differing most (first, second):",
        "    1.2.3  0.2000  0.9000  decisions differ",
        "    1.2.4  0.2000  0.3000",
        "not scored by tiny@1.1.0, route chest: 2 declined (not-frontal)",
    ]
    assert "a route names one with shadow" in next(agreement_lines([], []))


def test_drift_is_told_by_sender_with_what_has_moved_most_first() -> None:
    shifts = tuple(
        Shift(name, index, 0.1, 60, "alarm", (0.5,), (0.5, 0.5), (0.1, 0.9))
        for name, index in (("score:bright", 0.2), ("input:mean", 1.5))
    )
    one = SenderDrift("tiny@1.0.0", "CR1", "ROOM1", "alarm", 60, 2, {"gate-picture": 3}, shifts)
    assert list(drift_lines([one], 7)) == [
        "tiny@1.0.0  CR1  station ROOM1: alarm (other films than those the package was validated with)",
        "  60 images in 7 days, 2 refused by their header; declined for their pixels: 3 gate-picture",
        "  input:mean               PSI   1.500  by chance  0.100  alarm",
        "  score:bright             PSI   0.200  by chance  0.100  alarm",
    ]
    assert list(drift_lines([], 7)) == ["No image was judged in the last 7 days."]
