"""Settings of the plan: what a run is expected to take. None of them decides a value, so none of them invalidates anything."""

from pydantic import Field

from unicedit.config.section import Section


class SharesSettings(Section):
    """What is expected to pass each stage. Where a finished run is named in `measured`, its own shares are taken.

    The defaults are the embedded run's: 240 pictures of the simulated world.
    """

    ingest: float = Field(0.95, gt=0, le=1, description="Share of the library's pictures that can be read and cropped.")
    prefilter: float = Field(0.92, gt=0, le=1, description="Share of these that are no duplicates and good enough.")
    instruct: float = Field(
        0.97, gt=0, le=1, description="Share of the instructions asked for (the mean of `instruct.per_image`) that become edits."
    )
    edit: float = Field(1.0, gt=0, le=1, description="Share of the instructions whose edit is made.")
    verify: float = Field(0.78, gt=0, le=1, description="Share of the edits that the verifier accepts.")


class PricesSettings(Section):
    """What things cost, in one currency. 0: it costs nothing, and the plan says no money for it. Prices of servers stand with their engines."""

    currency: str = Field("USD", min_length=1, max_length=10, description="Name of the currency, as the plan prints it.")
    gpu_hour: float = Field(0.0, ge=0, description="Price of an hour of one GPU.")
    cpu_hour: float = Field(0.0, ge=0, description="Price of an hour of one CPU core.")
    terabyte_month: float = Field(0.0, ge=0, description="Price of a terabyte (10^12 bytes) kept for a month.")


class MeasuredSettings(Section):
    """A finished run whose records give rates and shares, in place of the table's."""

    results: str | None = Field(
        None, min_length=1, description="Its results folder. null: the results folder of this configuration, if a run is in it."
    )
    scratch: str | None = Field(
        None,
        min_length=1,
        description="Its scratch folder, whose progress records tell computing from starting and from reused rows. null: that of this configuration.",
    )


class PlanSettings(Section):
    """What `make plan` reckons with."""

    rates: str = Field(
        "config/rates.yaml",
        min_length=1,
        description="File with the seconds and bytes of a row by stage, engine and model, and the rated power of devices (for a release), each with its "
        "source; used where no run has measured them.",
    )
    measured: MeasuredSettings = Field(default_factory=MeasuredSettings, description="A finished run to take rates from.")
    shares: SharesSettings = Field(default_factory=SharesSettings, description="What is expected to pass each stage.")
    gpu_speed: float = Field(
        1.0,
        gt=0,
        le=100,
        description="Speed of your GPUs, where 1 is those of the table of rates (H100): 0.3 for an A100, 0.17 for an RTX 4090, by their stated bfloat16 "
        "arithmetic. Measured rates are taken as they are.",
    )
    prices: PricesSettings = Field(default_factory=PricesSettings, description="What things cost.")
