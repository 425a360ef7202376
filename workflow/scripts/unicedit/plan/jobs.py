"""How many jobs the target ``all`` is, by rule, in a results folder where nothing is done yet; a test compares it with Snakemake's own plan."""

from unicedit.config.model import Config
from unicedit.evaluation.grid import Grid
from unicedit.evaluation.rows import CHOOSING, MAIN
from unicedit.plan.benchmark import unit_jobs
from unicedit.reads import knows_truth, trains_its_verifier
from unicedit.stages import SHARD_STAGES, gather_seal
from unicedit.training.parts import part_names


def evaluations(config: Config) -> list[str]:
    """The evaluations that ``all`` needs where a verifier is trained, by their sidecars: those of Table 5, of the SSIM claim, of the filter's curve."""
    results = config.paths.results
    grid = Grid(results, config, lambda stage: gather_seal(results, stage))
    wanted = {
        *grid.evaluations("table5", "seal"),
        grid.seal("ssim", "0", "ssim", "validation"),
        grid.seal("d2po", MAIN, "informed", "test"),
    }
    if knows_truth(config):
        wanted |= {*grid.verifier_validation("seal")}
    # a number of some readings is chosen on the validation split, which is an evaluation of its own
    wanted |= {
        seal.replace("-test.json", "-validation.json") for seal in wanted if seal.endswith(tuple(f"/{one}-test.json" for one in CHOOSING))
    }
    return sorted(wanted)


def jobs_of(config: Config, shards: list[str], generations: int) -> dict[str, int]:
    """Jobs by rule, in the order of the pipeline; the target itself is not one."""
    jobs = {"ingest": len(shards), "duplicates": generations, **dict.fromkeys(SHARD_STAGES[1:], len(shards))}
    if config.prefilter.exclude:
        jobs |= ({"records": 1} if config.benchmark.source != "none" else {}) | {"references": 1, "lookalikes": len(shards)}
    truth = knows_truth(config)
    if trains_its_verifier(config):
        jobs |= {"samples": len(part_names(config.samples, shards)), "training_data": 1, "sft": 1, "d2po": 1}
        jobs |= {"evaluate": len(evaluations(config)), "table5": 1, "ssim_claim": 1} | ({"filter_curve": 1} if truth else {})
    jobs |= {"card": 1, "gallery": 1, "table3": 1} | ({"truth": 1, "filter_truth": 1} if truth else {})
    return jobs | unit_jobs(config)
