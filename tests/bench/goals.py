"""What Hilum has to reach, and how it is computed from the records: one ratio a round, between peers of that round."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tests.bench.kept import Kept
from tests.bench.pages import LIVE, PAGES
from tests.bench.workplace import Record

HILUM = "Hilum"
NODELAY, SHIPPED, PYNETDICOM = "storescp NODELAY", "storescp", "pynetdicom storescp"
ORTHANC_PYTHON = "Orthanc + python"
DX_1, DX_8, CR_1 = "DX, 1 association", "DX, 8 associations", "CR, 1 association"
CR_EACH = "CR, one association per image, 4 at once"


@dataclass(frozen=True)
class Goal:
    """`measure` gives one figure a round; its median is held against `bound`."""

    what: str
    compare: Literal[">=", "<="]
    bound: float
    measure: Callable[[Kept], list[float]]
    unit: str = ""

    def reached(self, figures: list[float]) -> bool:
        median = statistics.median(figures)
        return median >= self.bound if self.compare == ">=" else median <= self.bound


def of(records: list[Record], case: str, peer: str, key: str) -> dict[int, float]:
    """Round to figure; rounds in which the peer failed are left out."""
    return {
        record["round"]: record[key]
        for record in records
        if record["case"] == case and record["peer"] == peer and key in record
    }


def ratio(part: str, key: str, ours: tuple[str, str], theirs: tuple[str, str]) -> Callable[[Kept], list[float]]:
    """Of two (case, peer) of the same rounds of a part."""

    def measure(kept: Kept) -> list[float]:
        records = kept.records(part)
        above, below = of(records, *ours, key), of(records, *theirs, key)
        return [above[number] / below[number] for number in sorted(above.keys() & below.keys()) if below[number]]

    return measure


def against(part: str, key: str, case: str, peer: str) -> Callable[[Kept], list[float]]:
    """Hilum's figure over that of `peer` in the same case and round."""
    return ratio(part, key, (case, HILUM), (case, peer))


def figure(part: str, key: str, case: str) -> Callable[[Kept], list[float]]:
    """Hilum's own figure."""
    return lambda kept: list(of(kept.records(part), case, HILUM, key).values())


def over_sum(key: str) -> Callable[[Kept], list[float]]:
    """A latency of the whole way over the sum of the stages that were measured alone in the same round."""
    return lambda kept: [record[key] / record["sum_ms"] for record in kept.records("stages")]


def at_depth(key: str) -> Callable[[Kept], list[float]]:
    """What a node with a long queue used, over what its images and reports cost one with a short queue."""

    def measure(kept: Kept) -> list[float]:
        records = kept.records("backlog")
        image, report = (of(records, "few", HILUM, f"{what}_{key}") for what in ("image", "report"))
        used, images, reports = (of(records, "many", HILUM, name) for name in (key, "images", "reports"))
        rounds = sorted(image.keys() & used.keys())
        return [used[n] / (images[n] * image[n] + reports[n] * report[n]) for n in rounds]

    return measure


def many_over_few(page: str) -> Callable[[Kept], list[float]]:
    """Server time of a page with many studies over that with few, of the same round."""

    def measure(kept: Kept) -> list[float]:
        few, many = (of(kept.records("pages"), page, HILUM, key) for key in ("few_ms", "many_ms"))
        return [many[number] / few[number] for number in sorted(few.keys() & many.keys())]

    return measure


def over_analysis(kept: Kept) -> list[float]:
    """An upload over the analysis of the same film in the same round."""
    records = [one for one in kept.records("uploads") if one["case"] == "predict"]
    return [one["predict_ms"] / one["analysis_ms"] for one in records]


GOALS = (
    Goal("DX ingest / pynetdicom storescp, 1 association", ">=", 5, against("ingest", "mb_per_s", DX_1, PYNETDICOM)),
    Goal("DX ingest / pynetdicom storescp, 8 associations", ">=", 8, against("ingest", "mb_per_s", DX_8, PYNETDICOM)),
    Goal("DX ingest / DCMTK with TCP_NODELAY, 1 association", ">=", 1.0, against("ingest", "mb_per_s", DX_1, NODELAY)),
    Goal("DX ingest / DCMTK with TCP_NODELAY, 8 associations", ">=", 1.8, against("ingest", "mb_per_s", DX_8, NODELAY)),
    Goal("DX ingest / DCMTK as shipped, 1 association", ">=", 3, against("ingest", "mb_per_s", DX_1, SHIPPED)),
    Goal("CR ingest / DCMTK with TCP_NODELAY, 1 association", ">=", 0.8, against("ingest", "mb_per_s", CR_1, NODELAY)),
    Goal(
        "CR ingest / DCMTK with TCP_NODELAY, one association per image",
        ">=",
        0.8,
        against("ingest", "mb_per_s", CR_EACH, NODELAY),
    ),
    Goal(
        "DX ingest until on the disk / DCMTK with TCP_NODELAY, 1 association",
        ">=",
        1.0,
        against("ingest", "durable_mb_per_s", DX_1, NODELAY),
    ),
    Goal(
        "DX ingest until on the disk / DCMTK with TCP_NODELAY, 8 associations",
        ">=",
        1.0,
        against("ingest", "durable_mb_per_s", DX_8, NODELAY),
    ),
    Goal(
        "CR ingest until on the disk / DCMTK with TCP_NODELAY, 1 association",
        ">=",
        1.0,
        against("ingest", "durable_mb_per_s", CR_1, NODELAY),
    ),
    Goal(
        "DX ingest, 8 associations / 1 association",
        ">=",
        0.9,
        ratio("ingest", "mb_per_s", (DX_8, HILUM), (DX_1, HILUM)),
    ),
    Goal(
        "receiver CPU s/GB / DCMTK with TCP_NODELAY, DX, 1 association",
        "<=",
        1.0,
        against("ingest", "cpu_s_per_gb", DX_1, NODELAY),
    ),
    Goal(
        "receiver CPU s/GB / DCMTK with TCP_NODELAY, DX, 8 associations",
        "<=",
        1.0,
        against("ingest", "cpu_s_per_gb", DX_8, NODELAY),
    ),
    Goal(
        "memory per open association, DX images half sent",
        "<=",
        1,
        figure("idle", "mb_per_association", "memory"),
        "MB",
    ),
    Goal("8 idle associations", "<=", 0.5, figure("idle", "core_percent", "idle"), "% of a core"),
    Goal(
        "SR sending to storescp as shipped / storescu",
        ">=",
        15,
        against("sending", "objects_per_s", SHIPPED, "storescu"),
    ),
    Goal(
        "SR sending to Orthanc as shipped / storescu",
        ">=",
        15,
        against("sending", "objects_per_s", "Orthanc", "storescu"),
    ),
    Goal(
        "study in to SR visible, median, DX raw / Orthanc + python",
        "<=",
        1 / 3,
        against("whole_way", "p50_ms", "dx", ORTHANC_PYTHON),
    ),
    Goal(
        "study in to SR visible, median, DX JPEG lossless / Orthanc + python",
        "<=",
        1 / 3,
        against("whole_way", "p50_ms", "dx-jpeg-lossless", ORTHANC_PYTHON),
    ),
    Goal(
        "burst studies/s, DX raw / Orthanc + python",
        ">=",
        3,
        against("whole_way", "studies_per_s", "dx", ORTHANC_PYTHON),
    ),
    Goal(
        "burst studies/s, DX JPEG lossless / Orthanc + python",
        ">=",
        3,
        against("whole_way", "studies_per_s", "dx-jpeg-lossless", ORTHANC_PYTHON),
    ),
    Goal(
        "CPU per study, node without its archive, DX raw / Orthanc + python (which is its own archive)",
        "<=",
        1 / 3.5,
        against("whole_way", "node_cpu_ms", "dx", ORTHANC_PYTHON),
    ),
    Goal(
        "CPU per study, node and archive, DX raw / Orthanc + python",
        "<=",
        1 / 3.5,
        against("whole_way", "all_cpu_ms", "dx", ORTHANC_PYTHON),
    ),
    Goal(
        "CPU per study, node without its archive, DX JPEG lossless / Orthanc + python (which is its own archive)",
        "<=",
        1 / 3.5,
        against("whole_way", "node_cpu_ms", "dx-jpeg-lossless", ORTHANC_PYTHON),
    ),
    Goal(
        "CPU per study, node and archive, DX JPEG lossless / Orthanc + python",
        "<=",
        1 / 3.5,
        against("whole_way", "all_cpu_ms", "dx-jpeg-lossless", ORTHANC_PYTHON),
    ),
    Goal("p50 store-to-result / sum of the stages measured alone", "<=", 1.3, over_sum("p50_ms")),
    Goal("p99 store-to-result / sum of the stages measured alone", "<=", 2, over_sum("p99_ms")),
    Goal("CPU for the same work at 10,000 waiting / at 100", "<=", 1.1, at_depth("cpu_ms")),
    Goal("time for the same work at 10,000 waiting / at 100", "<=", 1.1, at_depth("ms")),
    Goal(
        "C-STORE p99 with inference saturated / idle",
        "<=",
        3,
        ratio("backlog", "p99_ms", ("saturated", HILUM), ("idle", HILUM)),
    ),
    *(
        goal
        for page in PAGES
        for goal in (
            Goal(f"server time of the page {page}, 100,000 studies / 100", "<=", 2, many_over_few(page)),
            Goal(f"server time of the page {page}, 100,000 studies", "<=", 100, figure("pages", "many_ms", page), "ms"),
        )
    ),
    Goal("one open page Now, nothing happens", "<=", 1, figure("pages", "core_percent", LIVE), "% of a core"),
    Goal("POST /api/predict / the analysis alone", "<=", 1.3, over_analysis),
    Goal(
        "C-STORE p99 with uploads at their limit / without",
        "<=",
        1.5,
        ratio("uploads", "p99_ms", ("uploads at their limit", HILUM), ("without uploads", HILUM)),
    ),
)
