"""Section retention: how long images, results and rows are kept, and what goes first when the disk fills."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from scp_node.settings.section import Seconds, Section

Days = Annotated[float, Field(gt=0, le=36_500)]


class Retention(Section):
    """How long things are kept. Days begin when the last thing was done for a study: its results are delivered, and
    confirmed where the archive is asked to. Of a study of which anything is still to be done, nothing ever goes."""

    images_days: Days | None = Field(30, description="Received images are removed after these days; null = kept.")
    results_days: Days | None = Field(90, description="Files of results are removed after these days; null = kept.")
    previews_days: Days | None = Field(
        1, description="Rendered images of analyses that were never reported are removed after these days; null = kept."
    )
    studies_days: Days | None = Field(
        730,
        description="All that the ledger knows of a study is removed after these days, and with it what is left of its "
        "files; null = kept.",
    )
    dead_letters_days: Days | None = Field(
        180,
        description="A study with a dead letter is kept at least for these days after it was given up: a person "
        "may retry it; null = until somebody does.",
    )
    makes_room: bool = Field(
        True,
        description="When the disk is nearly full, images of studies that are done go before their days are over, the "
        "oldest first, and when there are none left, files of results.",
    )
    makes_room_percent_min: float = Field(
        95,
        gt=0,
        lt=100,
        description="Nearly full begins at this much of what the limits in the section storage allow to be used.",
    )
    sweep_s: Seconds = Field(60, gt=0, description="How often it is looked for what may go.")
    files_per_sweep_max: int = Field(
        2000,
        ge=1,
        le=1_000_000,
        description="Most files that are removed at one time; the next time goes on from there.",
    )
