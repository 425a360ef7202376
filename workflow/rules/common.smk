"""Names the rules share; what they mean is in workflow/scripts/unicedit/workflow.py."""

SCRIPTS = os.path.relpath(os.path.join(workflow.basedir, "workflow", "scripts"))
sys.path.insert(0, SCRIPTS)

from functools import partial
from pathlib import Path

from unicedit.digest import keep_syntax
from unicedit.errors import PipelineError
from unicedit.evaluation.grid import Grid
from unicedit.models.cache import use_cache
from unicedit.report.labels import labels_of
from unicedit.stages import GATHERS, PROPOSING
from unicedit.workflow import Pipeline, plans_only, run_with_this_interpreter

run_with_this_interpreter()
# on SIGTERM (a job cancelled or preempted) the shell waits for its command, which stores what it has; without the trap it would die at once, and the job count as failed
shell.prefix("set -euo pipefail; trap : TERM; ")
try:
    pipeline = Pipeline(config)
    pipeline.open_library(
        scan=workflow.is_main_process, dry=plans_only(workflow, sys.argv)
    )
except PipelineError as error:
    # one line a fault and no traceback: the configuration is wrong, not the workflow
    print(error, file=sys.stderr)
    sys.exit(1)

use_cache(pipeline.config.paths.cache)
for warning in pipeline.warnings:
    print(f"warning: {warning}", file=sys.stderr)

settings_of = pipeline.settings_of
unit_settings_of = pipeline.unit_settings_of
duplicates_of = pipeline.duplicates_of
code_of = pipeline.code_of
RESULTS = pipeline.results
grid = Grid(RESULTS, pipeline.config, pipeline.gather_seal)
command = partial(pipeline.command, SCRIPTS)


wildcard_constraints:
    shard=r"\d{5}",
    part=r"\d{5}",
    generation=r"\d{4}",
    unit=r"[a-z0-9_.@-]+",


# launched through Slurm, trainings only submit a job of their own and wait for it
if pipeline.config.launch.mode == "slurm":

    localrules:
        sft,
        d2po,
        train_variant,


def report_after(logs):
    """When Snakemake ends: what its Slurm jobs asked for and used, by rule."""
    from unicedit.cluster.report import report_after as after
    from unicedit.monitor.places import profile_of

    if workflow.is_main_process:
        after([Path(log) for log in logs], Path(RESULTS), profile_of(sys.argv))


def dataset_outputs():
    """What the target `dataset` makes: every file of it by name, so that one that is gone is made again."""
    return [
        *pipeline.all_tables("assemble"),
        *pipeline.all_seals("assemble"),
        *rules.card.output,
        *rules.gallery.output,
    ]


def table_outputs():
    """What the target `tables` makes: filter_truth only where the truth of every edit is known; Table 2 where datasets are named; what a trained verifier owes, where one is trained."""
    known = rules.filter_truth.output if pipeline.truth else []
    return (
        rules.table3.output
        + known
        + benchmark_outputs()
        + (rules.table2.output if pipeline.config.table2.datasets else [])
        + (verifier_outputs() if pipeline.trains_its_verifier else [])
    )


def benchmark_outputs():
    """What the target `benchmark` makes: Table 4, unless the benchmark is left out; the claim on VIEScore where the truth alone answers, and no judge has to be asked more; judges against the truth, where both are there."""
    if pipeline.config.benchmark.source == "none":
        return []
    return (
        rules.table4.output
        + (rules.nc_claim.output if pipeline.bench.asks_nobody else [])
        + (rules.judge_check.output if pipeline.bench.compares else [])
    )


def verifier_outputs():
    """What the target `verifier` makes: the trained model, Table 5 and the SSIM claim; the filter's curve where the truth of every edit is known."""
    curve = (
        rules.filter_curve.output
        if pipeline.truth and pipeline.trains_its_verifier
        else []
    )
    return rules.d2po.output + rules.table5.output + rules.ssim_claim.output + curve


def reported():
    """The gathers that the run report speaks of: those that `all` makes, and whatever else is there (a full Table 5, say). Proposals are no result, and to make them again would ask a model."""
    wanted = {str(path) for path in [*dataset_outputs(), *table_outputs()]}
    return [
        stage
        for stage in GATHERS
        if stage not in ("record", *PROPOSING)
        and (pipeline.gather_seal(stage) in wanted or pipeline.is_made(stage))
    ]


def report_seals():
    """The sidecars of what the run report speaks of."""
    return [pipeline.gather_seal(stage) for stage in reported()]


def label_of_page(wildcards):
    """The labels of a table's page."""
    return labels_of(wildcards.name, "table")


def report_outputs():
    """What the target `report` makes sure of before `snakemake --report` puts it together."""
    tables = [
        name
        for stage in reported()
        for name in pipeline.gather_outputs(stage)
        if name.endswith(".md") and name.startswith(f"{RESULTS}/tables/")
    ]
    # by name and not as `rules.….output`, which would have rules run that --allowed-rules leaves out
    return [
        *map(str, [*dataset_outputs(), *table_outputs(), *rules.record.output]),
        *(f"{RESULTS}/report/tables/{Path(name).stem}.html" for name in tables),
    ]


if workflow.is_main_process:
    pipeline.settle()
    keep_syntax()
