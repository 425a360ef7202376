"""Which settings each stage reads, and nothing else: a setting invalidates just the stages that read it.

Nothing heavy is imported here: every Slurm job parses the Snakefile again.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from unicedit.benchmark.plan import BenchPlan
from unicedit.config.model import Config
from unicedit.errors import ConfigError
from unicedit.files import sha256_of_file
from unicedit.stages import PROPOSING
from unicedit.training.parts import review_of


def _taxonomy(config: Config) -> dict[str, str]:
    path = taxonomy_file(config)
    return {"path": str(path), "sha256": sha256_of_file(path)}


def taxonomy_file(config: Config) -> Path:
    """The taxonomy's path. Raises ``ConfigError`` where there is no such file."""
    path = Path(config.instruct.taxonomy)
    if not path.is_file():
        raise ConfigError(f"config: instruct.taxonomy = {str(path)!r}: no such file; the shipped one is config/taxonomy.yaml")
    return path


def simulated(config: Config) -> list[str]:
    """The stages whose engine is simulated: tables and card say so."""
    found = ["library"] if config.library.kind == "world" and config.library.declared is None else []
    found += ["instruct"] if config.instruct.engine == "simulated" else []
    found += ["edit"] if any(editor.engine == "simulated" for editor in config.edit.editors) else []
    found += ["verify"] if config.verify.engine == "simulated" else []
    return found


def knows_truth(config: Config) -> bool:
    """Whether every editor is simulated, so that the truth of every edit is known."""
    return all(editor.engine == "simulated" for editor in config.edit.editors)


def trains_its_verifier(config: Config) -> bool:
    """Whether a run verifies with the model that it trains."""
    return config.verify.engine == "transformers" and config.verify.transformers.model is None


def _proposing(config: Config) -> dict[str, Any]:
    """What proposals read: of `instruct`, who is asked and how."""
    elsewhere = {"per_image", "alternates", "shares", "pass_rates"}
    return {
        "propose": config.propose.model_dump(mode="json"),
        "instruct": config.instruct.model_dump(mode="json", exclude=elsewhere),
        "taxonomy": _taxonomy(config),
    }


# The settings of each stage, by the name of its rule.
READS: dict[str, Callable[[Config], dict[str, Any]]] = {
    "ingest": lambda config: {"ingest": config.ingest.model_dump(mode="json")},
    "duplicates": lambda config: {"duplicates": config.duplicates.model_dump(mode="json")},
    "references": lambda config: {
        "contamination": config.contamination.model_dump(
            mode="json", include={"benchmarks": True, "embedding": {"model", "revision", "device", "dtype"}}
        ),
    },
    "lookalikes": lambda config: {"contamination": config.contamination.model_dump(mode="json", exclude={"benchmarks"})},
    "contamination": lambda config: {"exclude": list(config.prefilter.exclude), "simulated": "library" in simulated(config)},
    "prefilter": lambda config: {"prefilter": config.prefilter.model_dump(mode="json")},
    "instruct": lambda config: {"instruct": config.instruct.model_dump(mode="json"), "taxonomy": _taxonomy(config)},
    **dict.fromkeys(PROPOSING, _proposing),
    "edit": lambda config: {"edit": config.edit.model_dump(mode="json")},
    "truth": lambda config: {"edit": config.edit.model_dump(mode="json")},
    "verify": lambda config: {
        "verify": config.verify.model_dump(mode="json"),
        **({"edit": config.edit.model_dump(mode="json")} if config.verify.engine == "simulated" else {}),
    },
    "samples": lambda config: {
        "samples": config.samples.model_dump(mode="json", exclude={"review"}),
        "size_divisor": config.ingest.size_divisor,
    },
    "training_data": lambda config: {
        "samples": config.samples.model_dump(mode="json", include={"source", "part_size", "world", "run"}),
        "review": review_of(config.samples),
    },
    "assemble": lambda config: {"dataset": config.dataset.model_dump(mode="json", exclude={"card"})},
    "card": lambda config: {
        "dataset": config.dataset.model_dump(mode="json"),
        "prefilter": config.prefilter.model_dump(mode="json"),
        "instruct": config.instruct.model_dump(mode="json"),
        "edit": config.edit.model_dump(mode="json"),
        "verify": config.verify.model_dump(mode="json"),
        "library": {"kind": config.library.kind},
        **({"trained_on": config.samples.source} if trains_its_verifier(config) else {}),
        "taxonomy": _taxonomy(config),
    },
    "gallery": lambda config: {"gallery": config.gallery.model_dump(mode="json"), "simulated": simulated(config)},
    "table3": lambda config: {"tables": config.tables.model_dump(mode="json"), "simulated": simulated(config)},
    "sft": lambda config: {"verifier": config.verifier.model_dump(mode="json"), "sft": config.sft.model_dump(mode="json")},
    "d2po": lambda config: {"verifier": config.verifier.model_dump(mode="json"), "d2po": config.d2po.model_dump(mode="json")},
    "table5": lambda config: {
        "tables": config.tables.model_dump(mode="json"),
        "table5": config.table5.model_dump(mode="json"),
        "simulated": config.samples.source == "world",
    },
    "ssim_claim": lambda config: {
        "tables": config.tables.model_dump(mode="json"),
        "verifier": config.verifier.model_dump(mode="json"),
        "table5": config.table5.model_dump(mode="json"),
        "simulated": config.samples.source == "world",
    },
    "filter_curve": lambda config: {
        "tables": config.tables.model_dump(mode="json"),
        "verifier": config.verify.engine,
        "blind_weight": config.verify.transformers.blind_weight,
        "simulated": bool(simulated(config)),
    },
    "records": lambda config: BenchPlan(config).record_settings(),
    "bench_export": lambda config: {},
    "table2": lambda config: {"tables": config.tables.model_dump(mode="json")},
    "table4": lambda config: BenchPlan(config).table_settings(),
    "nc_claim": lambda config: BenchPlan(config).claim_settings(),
    "bench_groups": lambda config: BenchPlan(config).groups_settings(),
    "judge_truth": lambda config: BenchPlan(config).compared_settings(),
    "record": lambda config: {
        "changed": config.model_dump(mode="json", exclude_defaults=True),
        "simulated": simulated(config),
    },
    "filter_truth": lambda config: {"tables": config.tables.model_dump(mode="json"), "verifier": config.verify.engine},
}
