"""The table of rates (config/rates.yaml): what a row of each stage takes, where no run has measured it. Every figure has its source."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from unicedit.errors import ConfigError

Device = Literal["gpu", "cpu"]


class Rate(BaseModel):
    """What one row takes. ``seconds`` of one GPU or one core; for a server, those from question to reply. ``pixels`` of the picture they were measured at."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stage: str
    engine: str | None = None
    model: str | None = None
    seconds: float = Field(ge=0)
    device: Device = "cpu"
    hardware: str
    startup: float = Field(0.0, ge=0)  # seconds of a job before its first row
    pixels: int | None = Field(None, gt=0)  # the seconds grow with the pictures; None: they do not depend on them
    tokens_in: int = Field(0, ge=0)  # a row, sent to a server, pictures included
    tokens_out: int = Field(0, ge=0)
    source: str = Field(min_length=10)
    ours: bool  # measured or estimated here, not published by others

    def seconds_at(self, pixels: int) -> float:
        """Seconds of a row whose picture has so many pixels."""
        return self.seconds * (pixels / self.pixels if self.pixels else 1.0)


class Size(BaseModel):
    """Bytes of a row on disk: of its pictures by format and pixel, and of all else."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stage: str
    bytes_a_row: float = Field(ge=0)
    pictures: int = Field(0, ge=0)
    source: str = Field(min_length=10)
    ours: bool


class PixelSize(BaseModel):
    """Bytes of a stored pixel by format."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["png", "webp", "jpeg"]
    bytes_a_pixel: float = Field(gt=0)
    source: str = Field(min_length=10)
    ours: bool


class Power(BaseModel):
    """Rated power of a device: of one GPU, or of one processor core. For the release's estimate of energy."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: Device
    hardware: str
    watts: float = Field(gt=0, allow_inf_nan=False)
    source: str = Field(min_length=10)
    ours: bool

    @property
    def per(self) -> str:
        return "GPU" if self.device == "gpu" else "core"


class RateTable(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rates: tuple[Rate, ...]
    sizes: tuple[Size, ...]
    pixels: tuple[PixelSize, ...]
    power: tuple[Power, ...] = ()

    def rate(self, stage: str, engine: str | None = None, model: str | None = None) -> Rate | None:
        """The closest entry: of the model, or of the engine whatever the model, or of the stage whatever the engine."""
        for asked in ((engine, model), (engine, None), (None, None)):
            found = [one for one in self.rates if (one.stage, one.engine, one.model) == (stage, *asked)]
            if found:
                return found[0]
        return None

    def bytes_of(self, stage: str, format_: str, pixels: Sequence[int]) -> tuple[float, str] | None:
        """Bytes of a row of a stage whose pictures have so many ``pixels``, and where the figure comes from; None where it is not known."""
        size = next((one for one in self.sizes if one.stage == stage), None)
        pixel = next((one for one in self.pixels if one.format == format_), None)
        if size is None or (size.pictures and pixel is None):
            return None
        of_pixel = pixel.bytes_a_pixel if pixel else 0.0
        return size.bytes_a_row + of_pixel * sum(pixels[: size.pictures]), size.source


def read_rates(path: Path) -> RateTable:
    """Read and check the table. Raises ``ConfigError`` with one line for a file that is missing or holds something else."""
    try:
        return RateTable.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"config: plan.rates = {str(path)!r}: cannot be read ({error.strerror}); config/rates.yaml is one") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"config: plan.rates = {str(path)!r}: not valid YAML: {' '.join(str(error).split())[:200]}") from error
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise ConfigError(
            f"config: plan.rates = {str(path)!r}: {where}: {fault['msg'][:1].lower()}{fault['msg'][1:]}; config/rates.yaml shows the form"
        ) from error
