"""The benchmark and Table 2 in the plan: which jobs they are, and how many rows."""

from unicedit.benchmark.plan import UNIT_STAGES, BenchPlan
from unicedit.config.model import Config
from unicedit.reads import taxonomy_file
from unicedit.scoring.schema import EVERYWHERE
from unicedit.scoring.viescore import SUBSCORES
from unicedit.taxonomy import load
from unicedit.triplets.plan import TRIPLET_STAGES, Table2Plan


def unit_jobs(config: Config) -> dict[str, int]:
    """Jobs by rule of the benchmark and of Table 2, as the target ``all`` wants them."""
    jobs: dict[str, int] = {}
    if config.benchmark.source != "none":
        bench = BenchPlan(config)
        jobs |= {"records": 1, **{stage: len(bench.units(stage)) for stage in UNIT_STAGES}, "table4": 1}
        jobs |= {"nc_claim": 1} if bench.asks_nobody else {}
    if config.table2.datasets:
        table2 = Table2Plan(config)
        jobs |= {**{stage: len(table2.units(stage)) for stage in TRIPLET_STAGES}, "table2": 1}
    return {rule: number for rule, number in jobs.items() if number}


def unit_volumes(config: Config) -> dict[str, float]:
    """Rows by stage: edits and scores of the benchmark, triplets and scores of Table 2."""
    bench, table2, found = BenchPlan(config), Table2Plan(config), dict[str, float]()
    if config.benchmark.source != "none":
        taxonomy = load(taxonomy_file(config))
        samples = config.benchmark.subtasks * config.benchmark.per_subtask
        reasoning = config.benchmark.per_subtask * sum(map(taxonomy.reasons, taxonomy.names))
        of_a_unit = len(EVERYWHERE) * samples + reasoning  # RA is of Reasoning samples alone
        scores = sum(judge.repeats for judge in config.benchmark.judges) * len(bench.units("bench_edit")) * of_a_unit
        found |= {
            "bench_edit": samples * len(bench.units("bench_edit")),
            "expect": reasoning * len(bench.units("expect")),
            "judge": scores,
        }
    triplets = config.table2.samples * len(config.table2.datasets)
    found |= {
        "triplets": triplets,
        "viescore": triplets * len(SUBSCORES) * sum(judge.repeats for judge in config.table2.judges),
        "triplet_aesthetic": config.table2.samples * len(table2.units("triplet_aesthetic")),
    }
    return {stage: rows for stage, rows in found.items() if rows}
