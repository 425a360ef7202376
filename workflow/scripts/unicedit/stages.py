"""The stages: their order, which wildcard their tables have, and what the gathers make.

Nothing heavy is imported here: every Slurm job parses the Snakefile again.
"""

from unicedit.benchmark.plan import UNIT_STAGES
from unicedit.training.parts import SECTIONS as FILES
from unicedit.triplets.plan import TRIPLET_STAGES

SHARD_STAGES = ("ingest", "prefilter", "instruct", "edit", "verify", "assemble")
TRAININGS = ("sft", "d2po")
PROPOSING = ("propose", "proposals")  # of a benchmark of one's own
TABLE5 = ("table5", "table5_full", "table5_search")
MEASURING = ("train_variant", "evaluate")  # rules of many verifiers, readings and splits, whose tables are no stage's
_SCRIPTS = {**dict.fromkeys(TABLE5, "table5"), "judge_check": "judge_truth"}  # of rules that share one, or whose name a command has
_OF_UNITS = ("table2", "table4", "nc_claim", "judge_check", "bench_groups", "record")  # gathers that read tables of units
GATHERS = (
    "truth",
    "training_data",
    *TRAININGS,
    "card",
    "gallery",
    "table3",
    "filter_truth",
    *TABLE5,
    "filter_curve",
    "ssim_claim",
    "records",
    "references",
    "contamination",
    *PROPOSING,
    *_OF_UNITS,
)
UNITS = (*UNIT_STAGES, *TRIPLET_STAGES)  # the benchmark's and Table 2's: a table a unit, each with settings of its own
_LOOKALIKES = ("records", "references", "lookalikes")  # what prefilter reads where it excludes benchmarks
ORDER = tuple(
    dict.fromkeys(("ingest", "duplicates", *_LOOKALIKES, *SHARD_STAGES[1:], "samples", *GATHERS[: -len(_OF_UNITS)], *UNITS, *_OF_UNITS))
)
PART_STAGES = ("samples",)


def wildcard_of(stage: str) -> str:
    """The wildcard in the paths of a stage's tables."""
    return "part" if stage in PART_STAGES else "unit" if stage in UNITS else "shard"


def script_of(stage: str) -> str:
    """The name of a stage's script."""
    return _SCRIPTS.get(stage, stage)


def gather_seal(results: str, stage: str) -> str:
    """Path of a gather stage's sidecar in a results folder."""
    folder = {
        "card": "dataset/sidecars",
        "truth": "truth",
        "training_data": "verifier/sidecars",
        "records": "benchmark",
        "references": "contamination",
        "propose": "propose",
        "proposals": "proposals",
        "bench_export": "benchmark",
        "gallery": "gallery",
        "record": "report",
    }.get(stage, "tables")
    folder = f"verifier/{stage}" if stage in TRAININGS else folder
    return f"{results}/{folder}/{stage}.json"


def gather_outputs(results: str, stage: str) -> list[str]:
    """What a gather stage makes beside its sidecar, in a results folder."""
    if stage == "card":
        return [f"{results}/dataset/{name}" for name in ("README.md", "index.parquet", "census.csv", "census.png")]
    if stage == "records":
        return [f"{results}/benchmark/records.parquet"]
    if stage == "propose":
        return [f"{results}/propose/propose.parquet"]
    if stage == "proposals":
        made = [
            "proposals/proposals.parquet",
            "proposals/records.parquet",
            "proposals/benchmark",
            "tables/proposals.csv",
            "tables/proposals.md",
        ]
        return [f"{results}/{name}" for name in made]
    if stage == "references":
        return [f"{results}/contamination/references.parquet"]
    if stage in ("contamination", "bench_groups"):
        return [f"{results}/tables/{stage}.{suffix}" for suffix in ("csv", "md")]
    if stage == "table4":
        return [f"{results}/tables/{stage}{part}.{suffix}" for part in ("", "_subtasks") for suffix in ("csv", "md", "png")]
    if stage == "truth":
        return [f"{results}/truth/truth.parquet"]
    if stage == "record":
        return [f"{results}/report/{name}" for name in ("record.html", "scores.png")]
    if stage == "gallery":
        return [f"{results}/gallery/{name}" for name in ("index.html", "app", "data")]
    if stage in TRAININGS:
        return [f"{results}/verifier/{stage}/{name}" for name in ("model", "curves.csv", "curves.png")]
    if stage in TABLE5:
        return [f"{results}/tables/{stage}{name}" for name in (".csv", ".md", ".png", "_slots.csv", "_slots.md")]
    if stage == "training_data":
        data = [f"data/{name}" for name in ("files.csv", "census.csv", "dropped.csv", *(f"{name}.parquet" for name in FILES))]
        return [f"{results}/verifier/{name}" for name in (*data, *(f"sidecars/{name}.json" for name in FILES))]
    return [f"{results}/tables/{stage}.{suffix}" for suffix in ("csv", "md", "png")]
