"""Who does the work of a stage under a configuration: engines with their models, and what share of the rows each has."""

from dataclasses import dataclass, field

from unicedit.config.edit import EditorSettings
from unicedit.config.model import Config
from unicedit.config.openai import PriceSettings
from unicedit.config.vlm import VlmSettings
from unicedit.workflow import trains_its_verifier

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
    return Worker(settings.engine, model)


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
        own = config.instruct.transformers.model if config.instruct.engine == "transformers" else config.instruct.vllm.model
        return [_vlm(config.instruct, own)]
    if stage == "edit":
        shares = sum(one.share for one in config.edit.editors)
        return [_editor(one, shares) for one in config.edit.editors]
    if stage == "verify":
        trained = config.verifier.base if trains_its_verifier(config) else config.verify.transformers.model
        return [_vlm(config.verify, trained if config.verify.engine == "transformers" else config.verify.vllm.model)]
    if stage in ("sft", "d2po", "evaluate"):
        return [Worker("transformers", config.verifier.base)]
    return [Worker(None)]


def gpus_of_job(stage: str, config: Config) -> int:
    """GPUs that a job of a stage computes on, where it computes on any: those that hold one copy of a model, or one a worker process."""
    workers = config.map.workers_of(stage)
    if stage in ("instruct", "verify"):
        settings: VlmSettings = getattr(config, stage)
        if settings.engine == "vllm" and not workers:
            return settings.vllm.tensor_parallel
    if stage in ("sft", "d2po"):
        return config.launch.nodes * config.launch.processes_per_node
    return max(1, workers)
