"""Names the rules share; what they mean is in workflow/scripts/unicedit/workflow.py."""

SCRIPTS = os.path.relpath(os.path.join(workflow.basedir, "workflow", "scripts"))
sys.path.insert(0, SCRIPTS)

from unicedit.errors import PipelineError
from unicedit.workflow import Pipeline

try:
    pipeline = Pipeline(config)
    pipeline.open_library(scan=workflow.is_main_process)
except PipelineError as error:
    # one line a fault and no traceback: the configuration is wrong, not the workflow
    print(error, file=sys.stderr)
    sys.exit(1)

settings_of = pipeline.settings_of
code_of = pipeline.code_of
SCRATCH = pipeline.scratch
RESULTS = pipeline.results
MAP = pipeline.map_settings()
SHARDS = pipeline.shards


wildcard_constraints:
    shard=r"\d{5}",
    generation=r"\d{4}",


def duplicates_of(wildcards):
    """The duplicates table of a shard's generation."""
    return f"{RESULTS}/duplicates/{pipeline.generation_of(wildcards.shard)}.parquet"


def duplicates_seal_of(wildcards):
    """The sidecar of the duplicates table of a shard's generation."""
    return f"{RESULTS}/duplicates/{pipeline.generation_of(wildcards.shard)}.json"


def tables_of_generation(wildcards):
    """The ingest tables of a generation's shards."""
    return pipeline.paths_of_generation(pipeline.table("ingest"), wildcards.generation)


def seals_of_generation(wildcards):
    """The sidecars of a generation's ingest tables."""
    return pipeline.paths_of_generation(pipeline.seal("ingest"), wildcards.generation)


def earlier_tables(wildcards):
    """The duplicates tables of all earlier generations."""
    return [f"{RESULTS}/duplicates/{number}.parquet" for number in pipeline.earlier(wildcards.generation)]


def earlier_seals(wildcards):
    """The sidecars of the duplicates tables of all earlier generations."""
    return [f"{RESULTS}/duplicates/{number}.json" for number in pipeline.earlier(wildcards.generation)]


def table_outputs():
    """What the target `tables` makes: filter_truth only where the truth of every edit is known."""
    return rules.table3.output + (rules.filter_truth.output if pipeline.truth else [])


if workflow.is_main_process:
    pipeline.settle()
