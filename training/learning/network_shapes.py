"""The networks that a recipe may name, and their shapes: a class a family of training/learning/zoo."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt, model_validator

from converter.package.section import PackageSection


class Residual(PackageSection):
    """training/learning/zoo/residual.py: halved by the stem and at each stride of 2."""

    family: Literal["residual"] = "residual"
    stem: PositiveInt
    stages: tuple[PositiveInt, ...] = Field(min_length=1)
    strides: tuple[Literal[1, 2], ...] = Field(min_length=1)
    dropout: float = Field(ge=0, lt=1)

    @model_validator(mode="after")
    def _one_stride_a_stage(self) -> Residual:
        if len(self.strides) != len(self.stages):
            raise ValueError(f"{len(self.stages)} stages need as many strides, not {len(self.strides)}")
        return self

    @property
    def halvings(self) -> int:
        return 1 + self.strides.count(2)


class Plain(PackageSection):
    """zoo/plain.py: convolutions, each followed by pooling, then dense layers at every place of the map."""

    family: Literal["plain"]
    filters: tuple[PositiveInt, ...] = Field(min_length=1)
    kernel: Literal[3, 5, 7] = 3
    pooling: Literal["max", "average"] = "max"
    batch_normalisation: bool = False
    dense: tuple[PositiveInt, ...] = ()
    dropout: float = Field(ge=0, lt=1)

    @property
    def halvings(self) -> int:
        return len(self.filters)


class EfficientNetLite(PackageSection):
    """zoo/efficientnet_lite.py: the first `stages` of the seven of EfficientNet-Lite0, halved so often at most."""

    family: Literal["efficientnet-lite0"]
    stages: int = Field(7, ge=3, le=7)
    halvings: int = Field(4, ge=1, le=5)
    weights: Literal["imagenet", "none"] = "none"
    padding: Literal["centred", "published"] = Field(
        "centred",
        description="published: as the weights of ImageNet learned it, so that their map lies where the picture is; "
        "centred: for a network of its own weights, or one that is taught places",
    )
    dropout: float = Field(ge=0, lt=1)


Network = Annotated[Residual | Plain | EfficientNetLite, Field(discriminator="family")]
