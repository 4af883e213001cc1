"""How answers of the API are declared: problems, text that may stand in a query, and an upload."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, StringConstraints

from scp_node.queries.verdict import FindingInPercent

# No control characters: a database may refuse them.
Word = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]*$")]
YEARS = range(1900, 9001)


def in_years(moment: datetime) -> datetime:
    """Raises ValueError for a moment that a database or another zone could not hold."""
    if moment.year not in YEARS:
        raise ValueError(f"a year is from {YEARS[0]} to {YEARS[-1]}")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(in_years)]
PROBLEM_JSON = "application/problem+json"


class ProblemAnswer(BaseModel):
    """What is wrong (RFC 9457). `code` is for programs, `detail` says to a person what to do."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str | None = None


class DeclineAnswer(BaseModel):
    """Why an image was not analysed: a code of the handbook's page codes-and-statuses, and a sentence."""

    code: str
    reason: str


class PredictAnswer(BaseModel):
    """What a model says of one upload. `result` is null where the image was declined."""

    result: str | None = Field(examples=["Potentially Pneumonia", "Normal"])
    prediction: str | None = Field(
        description="How sure the model is of `result`: percent of that class, with four decimals.",
        examples=["95.1230"],
    )
    model: str = Field(examples=["pneumonia@2.0.0"])
    title: str
    findings: list[FindingInPercent]
    heatmap: str | None = Field(description="PNG as a data URL, of the finding that `result` is about.")
    declined: DeclineAnswer | None
    notes: list[str] = Field(description="What was unknown or unusual of the image.")
    statement: str = Field(description="For whom the model was made.")
    provider: str = Field(description="The hardware that computed it.", examples=["cpu"])
    disclaimer: str


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """How a route declares what may go wrong; that nobody is signed in, or may not, goes without saying."""
    content = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/ProblemAnswer"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in sorted({401, 403, 422, *statuses})
    }
