"""The plan of a run: by stage its rows, jobs, hours, wall time, storage and money, each with where its rate comes from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from unicedit.benchmark.plan import UNIT_STAGES
from unicedit.config.model import Config
from unicedit.index.index import Index
from unicedit.ingest.crop import KONTEXT_SIZES
from unicedit.plan.benchmark import unit_volumes
from unicedit.plan.jobs import evaluations, jobs_of
from unicedit.plan.library import Pictures
from unicedit.plan.measured import Measured, benchmark_seconds
from unicedit.plan.rates import Rate, RateTable
from unicedit.plan.volumes import training_volumes, volumes
from unicedit.plan.work import RATES_OF, Worker, gpus_of_job, of_gpu, workers_of
from unicedit.reads import trains_its_verifier
from unicedit.stages import TRAININGS
from unicedit.triplets.plan import TRIPLET_STAGES

MEASURED_STAGES = ("ingest", "duplicates", "prefilter", "instruct", "edit", "verify", "assemble", "samples", *UNIT_STAGES, *TRIPLET_STAGES)
# stages that are one job over all shards, by the rules whose times they are
GATHERED = {
    "truth": ("truth",),
    "card, gallery, tables": (
        *("card", "gallery", "table3", "filter_truth", "table5", "ssim_claim", "filter_curve"),
        *("records", "table4", "nc_claim", "table2"),
    ),
}
# stages whose engines are another stage's
HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Line:
    """One stage. ``seconds`` of a device (a core or a GPU) a given row; hours of devices; ``wall`` hours. None: not known."""

    stage: str
    given: int
    rows: int
    jobs: int
    device: Literal["gpu", "cpu"]
    devices: int  # of that kind, that one job computes on
    seconds: float | None
    startup: float
    hours: float | None
    wall: float | None
    bytes: float | None
    money: float
    source: str
    ours: bool  # the rate was measured or estimated by us or by you, not published by others


@dataclass(frozen=True, slots=True)
class Plan:
    """All of it. ``warnings`` say what is missing from the sums, ``advice`` what to change."""

    pictures: int
    shards: int
    gpus: int
    cores: int
    currency: str
    lines: tuple[Line, ...]
    jobs: dict[str, int]
    warnings: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()

    def hours(self, device: str) -> float:
        """Hours of all devices of a kind."""
        return sum(line.hours or 0.0 for line in self.lines if line.device == device)

    @property
    def wall(self) -> tuple[float, float]:
        """Wall hours at least (cores and GPUs busy side by side, as shards are independent) and at most (one stage after another)."""
        by_device = [sum(line.wall or 0.0 for line in self.lines if line.device == device) for device in ("gpu", "cpu")]
        return max(by_device), sum(by_device)

    @property
    def bytes(self) -> float:
        return sum(line.bytes or 0.0 for line in self.lines)

    @property
    def money(self) -> float:
        return sum(line.money for line in self.lines)

    def line(self, stage: str) -> Line:
        """The line of a stage. Raises ``KeyError``."""
        return {line.stage: line for line in self.lines}[stage]


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a stage's rows: seconds of a device, before the first one, whether a GPU, tokens, source."""

    seconds: float | None
    startup: float
    gpu: bool
    tokens: tuple[float, float]
    source: str
    ours: bool


def _tokens(rates: Sequence[tuple[Worker, Rate | None]]) -> tuple[float, float]:
    """Tokens sent and received for a row of a server's, by the table: the mean over the engines that take any."""
    known = [(worker.share, rate) for worker, rate in rates if rate is not None and (rate.tokens_in or rate.tokens_out)]
    shares = sum(share for share, _ in known) or 1.0
    return sum(share * rate.tokens_in for share, rate in known) / shares, sum(share * rate.tokens_out for share, rate in known) / shares


def pixels_of(config: Config) -> int:
    """Pixels of a stored source: the mean of the sizes that sources are cropped to."""
    return round(sum(width * height for width, height in KONTEXT_SIZES) / len(KONTEXT_SIZES) / config.ingest.size_divisor**2)


class Planner:
    """Makes the plan of one configuration, from the table of rates and what a run measured."""

    def __init__(
        self, config: Config, table: RateTable, measured: Mapping[str, Measured], *, gpus: int, cores: int, results: Path | None = None
    ) -> None:
        """``results``: the folder of the run that ``measured`` is of, for its gathers' times."""
        self.config, self.table, self.measured = config, table, measured
        self.gpus, self.cores, self.results = gpus, cores, results
        self.pixels = pixels_of(config)
        self.warnings: list[str] = []

    def plan(self, pictures: Pictures, index: Index) -> Plan:
        """The plan, without advice."""
        config = self.config
        jobs = jobs_of(config, index.shards, len(index.generations))
        rows = volumes(config, pictures.total, self.measured)
        if pictures.estimated:
            self.warnings.append(
                f"{pictures.estimated:,} pictures are estimated from the sizes of tars; after `ingest` their number is known"
            )
        lines = [self._line(stage, one.given, one.rows, jobs[stage]) for stage, one in rows.items()]
        if trains_its_verifier(config):
            for stage, given in training_volumes(config, rows["edit"].ok, evaluations(config)).items():
                lines.append(self._line(stage, given, given, jobs[stage]))
        for stage, given in unit_volumes(config).items():
            lines.append(self._line(stage, given, given, jobs[stage]))
        for stage, rules in GATHERED.items():
            if gathered := sum(jobs.get(rule, 0) for rule in rules):
                lines.append(self._line(stage, rows["edit"].rows, rows["edit"].rows, gathered))
        return Plan(
            pictures.total,
            len(index.shards),
            self.gpus,
            self.cores,
            config.plan.prices.currency,
            tuple(lines),
            jobs,
            tuple(dict.fromkeys(self.warnings)),
        )

    def _line(self, stage: str, given: float, rows: float, jobs: int) -> Line:
        workers = workers_of(stage, self.config)
        known = self._known(stage, given, workers)
        prices = self.config.plan.prices
        hours = wall = None
        devices = gpus_of_job(stage, self.config) if known.gpu else 1
        money = given * sum(worker.share * worker.money(*known.tokens) for worker in workers)
        if known.seconds is not None:
            hours = (given * known.seconds + jobs * known.startup) / HOUR
            at_once = min(self.gpus if known.gpu else self.cores, jobs * devices)
            wall = hours / max(1, at_once)
            money += hours * (prices.gpu_hour if known.gpu else prices.cpu_hour)
        size = self._size(stage, rows)
        money += (size or 0.0) / 1e12 * prices.terabyte_month
        return Line(
            stage,
            round(given),
            round(rows),
            jobs,
            "gpu" if known.gpu else "cpu",
            devices,
            known.seconds,
            known.startup,
            hours,
            wall,
            size,
            money,
            known.source,
            known.ours,
        )

    def _known(self, stage: str, given: float, workers: Sequence[Worker]) -> _Known:
        rates = [(worker, self.table.rate(RATES_OF.get(stage, stage), worker.engine, worker.model)) for worker in workers]
        gpu = any(of_gpu(worker, rate) for worker, rate in rates)
        found = self.measured.get(stage)
        if found is not None and found.seconds is not None:
            devices = gpus_of_job(stage, self.config) if gpu else 1
            tokens = (found.tokens_in, found.tokens_out) if found.tokens_in else _tokens(rates)
            source = f"measured: {found.jobs} jobs, {found.rows_in:,} rows"
            return _Known(found.seconds * devices, found.startup * devices, gpu, tokens, source, True)
        if stage in GATHERED and self.results and "edit" in self.measured and (seconds := benchmark_seconds(self.results, GATHERED[stage])):
            rows = self.measured["edit"].rows
            return _Known(seconds / rows, 0.0, False, (0.0, 0.0), f"measured: {rows:,} rows", True)
        missing = [worker.name for worker, rate in rates if rate is None]
        if missing:
            self.warnings.append(
                f"{stage}: no rate for {', '.join(missing)}: its hours are not in the sums; run a small part and name it with --measured, "
                f"or add a line to {self.config.plan.rates}"
            )
            return _Known(None, 0.0, gpu, (0.0, 0.0), "unknown", True)
        known = [(worker, rate) for worker, rate in rates if rate is not None]
        for worker, rate in known:
            if rate.model is None and worker.model is not None:
                self.warnings.append(f"{stage}: the rate is of any model behind {worker.engine}, not of {worker.model}")
        return _Known(
            sum(worker.share * self._seconds(rate) / worker.at_once for worker, rate in known),
            max(rate.startup for _, rate in known) * (gpus_of_job(stage, self.config) if gpu else 1),
            gpu,
            _tokens(rates),
            "; ".join(dict.fromkeys(f"{rate.hardware}: {rate.source}" for _, rate in known)),
            all(rate.ours for _, rate in known),
        )

    def _seconds(self, rate: Rate) -> float:
        seconds = rate.seconds_at(self.pixels)
        return seconds / self.config.plan.gpu_speed if rate.device == "gpu" else seconds

    def _size(self, stage: str, rows: float) -> float | None:
        found = self.measured.get(stage)
        if found is not None:
            return found.size * (found.rows if stage in TRAININGS else rows)  # a model is as large whatever it reads
        formats = {
            "edit": self.config.edit.encoding,
            "bench_edit": self.config.benchmark.encoding,
            "assemble": self.config.edit.encoding,
            "samples": self.config.samples.encoding,
        }
        encoding = formats.get(stage, self.config.ingest.encoding)
        known = self.table.bytes_of(stage, encoding.format, [self.pixels] * 2)
        return None if known is None else rows * known[0]
