"""Section routes: which images go to which model, and what becomes of the results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from converter.image.priority import Priority
from converter.result.kinds.table import DEFAULT_KINDS, KIND_NAMES, RESULT_KINDS
from scp_node.settings.section import CodeString, Section
from scp_node.settings.wildcards import PATTERNS_MAX, Pattern

AUTO = "auto"
if TYPE_CHECKING:
    ResultKindName = str
else:
    ResultKindName = Literal[(*KIND_NAMES, AUTO)]
View = Literal["PA", "AP", "LL", "RL", "LLD", "RLD", "LLO", "RLO"]


def _listed(value: Any) -> Any:
    """`results: auto` means `results: [auto]`."""
    return [value] if value == AUTO else value


Patterns = Annotated[list[Pattern], Field(max_length=PATTERNS_MAX)]
PATTERN_KEYS = ("station_name", "manufacturer", "institution_name", "study_description", "series_description")
WILDCARDS = "* stands for any characters, ? for one; capitals do not matter; empty = all."


class PatientAge(Section):
    """Ages in years, both ends included: whoever is 17 years and 11 months old is 17. Once an end is set, an image that
    gives no age is not taken."""

    min_years: float | None = Field(None, ge=0, le=150, description="The youngest; null = no limit.")
    max_years: float | None = Field(None, ge=0, le=150, description="The oldest; null = no limit.")


class When(Section):
    """What a route takes. Of modality, body_part and view, an attribute that is absent from the image matches; one that
    is present must be listed. Where the other keys are set, the image must say what they ask for."""

    from_: list[str] = Field(
        default_factory=list,
        alias="from",
        description="Names under remote_aes whose images it takes, and stow:NAME "
        "for what a program of the user NAME sends by STOW-RS; empty = all.",
    )
    modality: list[CodeString] = Field(
        ["CR", "DX"],
        min_length=1,
        description="Accepted values of Modality. CT and MR images are received where a route lists CT or MR.",
    )
    body_part: list[CodeString] = Field(["CHEST"], min_length=1, description="Accepted values of Body Part Examined.")
    view: list[View] = Field(
        ["PA", "AP"],
        min_length=1,
        description="Accepted values of View Position. Not asked of CT and MR: a slice has no such view.",
    )
    station_name: Patterns = Field(default_factory=list, description=f"Patterns for Station Name. {WILDCARDS}")
    manufacturer: Patterns = Field(default_factory=list, description=f"Patterns for Manufacturer. {WILDCARDS}")
    institution_name: Patterns = Field(default_factory=list, description=f"Patterns for Institution Name. {WILDCARDS}")
    study_description: Patterns = Field(
        default_factory=list, description=f"Patterns for Study Description. {WILDCARDS}"
    )
    series_description: Patterns = Field(
        default_factory=list, description=f"Patterns for Series Description. {WILDCARDS}"
    )
    patient_age: PatientAge = Field(
        default_factory=lambda: PatientAge(),
        description="Ages that it takes, by Patient's Age, or else by birth date and study date.",
    )


class Route(Section):
    """Which images go to which model, and where the results go. The first route that takes an image gets it."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$",
        description="Name of the route, as logs show it.",
        examples=["chest"],
        json_schema_extra={"rule": "lower-case letters, digits, '-' and '_'; at most 32"},
    )
    when: When = Field(default_factory=lambda: When(), description="What this route takes.")
    model: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]*(@\d+\.\d+\.\d+(#sha256:[0-9a-f]{64})?)?$",
        description="Model package, as 'name@version'; 'name' alone is the highest version there is, which an upgrade "
        "may change. With '#sha256:' and the SHA-256 of its manifest.yaml behind the version no other package is "
        "taken; `hilum models list` shows it.",
        examples=["pneumonia@2.0.0"],
        json_schema_extra={
            "rule": "a name such as 'pneumonia', or name and version such as 'pneumonia@2.0.0', with "
            "'#sha256:' and 64 digits where it is pinned"
        },
    )
    shadow: str | None = Field(
        None,
        pattern=r"^[a-z0-9][a-z0-9-]*@\d+\.\d+\.\d+$",
        description="A second model package, as 'name@version', that scores every image that the first one scores, in "
        "a process of its own, on the CPU and behind everything else. Nothing of it leaves the node: see "
        "`hilum models agreement`.",
        json_schema_extra={"rule": "name and version such as 'pneumonia@2.0.0'"},
    )
    results: Annotated[list[ResultKindName], BeforeValidator(_listed)] = Field(
        list(DEFAULT_KINDS),
        min_length=1,
        description="Which result objects are built. "
        + " ".join(f"{name}: {RESULT_KINDS[name].summary}." for name in KIND_NAMES)
        + " [auto], alone, chooses for each destination by what it has said that it takes.",
    )
    to: list[str] = Field(
        min_length=1,
        description="Names under remote_aes that get the results, and of systems that take them by DICOMweb.",
        examples=[["pacs"]],
    )
    notify: list[str] = Field(
        default_factory=list, description="Names under systems that are told of each report by a message."
    )
    priority: Priority = Field(
        "routine",
        description="How urgent its images, reports and deliveries are: in every queue the more urgent ones go first, "
        "by the head starts under workers.",
    )
    priority_from_header: bool = Field(
        False,
        description="Whether a priority in the header (0040,1003 or 0074,1200) makes an image more urgent than that, "
        "never less. Any sender can write it there.",
    )

    @property
    def results_are_chosen(self) -> bool:
        """Whether each destination gets what it takes, instead of a list."""
        return self.results == [AUTO]
