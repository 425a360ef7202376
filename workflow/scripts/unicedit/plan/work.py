"""Who does the work of a stage under a configuration: engines with their models, and what share of the rows each has."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from unicedit.config.edit import EditorSettings
from unicedit.config.model import Config
from unicedit.config.openai import PriceSettings
from unicedit.config.vlm import VlmSettings
from unicedit.plan.rates import Rate, RateTable
from unicedit.reads import trains_its_verifier

CPU_ENGINES = (
    "simulated",
    "ssim",
    "measured",
    "technical",
    "openai",
    "batch",
    "gemini",
    "ark",
    "images",
)  # compute nothing on a GPU of ours

RATES_OF = {"bench_edit": "edit", "expect": "judge", "bench_viescore": "judge", "viescore": "judge", "triplet_aesthetic": "prefilter"}


@dataclass(frozen=True, slots=True)
class Worker:
    """One engine of a stage, by the names that the table of rates has. ``at_once``: requests a job has in flight, of a server."""

    engine: str | None
    model: str | None = None
    share: float = 1.0
    at_once: int = 1
    price: PriceSettings = field(default_factory=PriceSettings)

    def money(self, tokens_in: float, tokens_out: float) -> float:
        """What a server takes for a row."""
        return getattr(self.price, "picture", 0.0) + (tokens_in * self.price.input + tokens_out * self.price.output) / 1e6

    @property
    def name(self) -> str:
        return self.model or self.engine or ""


def _vlm(settings: VlmSettings, model: str | None) -> Worker:
    if settings.engine == "openai":
        return Worker("openai", settings.openai.model, at_once=settings.openai.concurrency, price=settings.openai.price)
    if settings.engine == "batch":
        return Worker("batch", settings.batch.model, price=settings.batch.price)
    return Worker(settings.engine, model)


def _model_in_job(settings: VlmSettings) -> str | None:
    own = getattr(settings, settings.engine, None)
    return own.model if settings.engine in ("transformers", "vllm") and own is not None else None


def _editor(one: EditorSettings, shares: float) -> Worker:
    own = getattr(one, one.engine)
    model = getattr(own, "model", None)
    if isinstance(price := getattr(own, "price", None), PriceSettings):
        return Worker(one.engine, model, one.share / shares, own.concurrency, price)
    return Worker(one.engine, model, one.share / shares)


def workers_of(stage: str, config: Config) -> list[Worker]:
    """The engines of a stage; one without a name where there is nothing to choose."""
    if stage == "prefilter":
        scorers = [config.prefilter.aesthetic and config.prefilter.aesthetic.predictor, "safety" if config.prefilter.safety else None]
        return [Worker("technical"), *(Worker(one) for one in scorers if one)]
    if stage == "instruct":
        return [_vlm(config.instruct, _model_in_job(config.instruct))]
    if stage == "edit":
        shares = sum(one.share for one in config.edit.editors)
        return [_editor(one, shares) for one in config.edit.editors]
    if stage == "verify":
        trained = config.verifier.base if trains_its_verifier(config) else config.verify.transformers.model
        return [_vlm(config.verify, trained if config.verify.engine == "transformers" else config.verify.vllm.model)]
    if stage == "bench_edit":
        models = config.benchmark.run_models
        return [_editor(one, one.share * len(models)) for one in models]
    if stage in ("expect", "judge", "viescore"):
        judges: Sequence[VlmSettings] = config.table2.judges if stage == "viescore" else config.benchmark.judges
        asked = [one for one in judges if stage != "expect" or one.engine != "measured"]
        return [replace(_vlm(one, _model_in_job(one)), share=1 / len(asked)) for one in asked]
    if stage == "triplet_aesthetic" and config.table2.aesthetic:
        return [Worker(config.table2.aesthetic.predictor)]
    if stage in ("sft", "d2po", "evaluate"):
        return [Worker("transformers", config.verifier.base)]
    return [Worker(None)]


def of_gpu(worker: Worker, rate: Rate | None) -> bool:
    """Whether an engine computes on a GPU of ours: as its rate says, or else by its kind."""
    if rate is not None:
        return rate.device == "gpu"
    return worker.engine not in (None, *CPU_ENGINES)


def computes_on_gpu(stage: str, config: Config, table: RateTable) -> bool:
    """Whether any engine of a stage does."""
    workers = workers_of(stage, config)
    return any(of_gpu(one, table.rate(RATES_OF.get(stage, stage), one.engine, one.model)) for one in workers)


def gpus_of_job(stage: str, config: Config) -> int:
    """GPUs that a job of a stage computes on, where it computes on any: those that hold one copy of a model, or one a worker process."""
    workers = config.map.workers_of(stage)
    if stage in ("instruct", "verify"):
        settings: VlmSettings = getattr(config, stage)
        if settings.engine == "vllm" and not workers:
            return settings.vllm.tensor_parallel
    if stage in ("expect", "judge", "viescore") and not workers:
        judges: Sequence[VlmSettings] = config.table2.judges if stage == "viescore" else config.benchmark.judges
        return max([1, *(one.vllm.tensor_parallel for one in judges if one.engine == "vllm")])
    if stage in ("sft", "d2po"):
        return config.launch.nodes * config.launch.processes_per_node
    return max(1, workers)
