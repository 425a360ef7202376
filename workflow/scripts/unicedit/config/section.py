"""The base of every section of the configuration."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Settings of one part. An unknown key and a wrong type are errors; a value never changes after it is read.

    Every field has a default and a description: one or two sentences with the unit, the effect, and why that default. The commented defaults,
    the JSON schema and config/README.md are generated from them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True)
