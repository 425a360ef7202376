"""What proposals need beyond typed settings, asked before anybody is asked for one."""

from pathlib import Path

from unicedit.benchmark.record import tasks_of
from unicedit.config.model import Config
from unicedit.propose.plan import ProposePlan, check_known
from unicedit.reads import taxonomy_file
from unicedit.taxonomy import load

_PAPER = Path(__file__).resolve().parents[4] / "config" / "paper" / "taxonomy.csv"


def check_proposed(config: Config) -> None:
    """Raises ``PipelineError`` where a benchmark may not have a sub-task that is to be proposed."""
    taxonomy = load(taxonomy_file(config))
    check_known(ProposePlan(config.propose, config.instruct, taxonomy), taxonomy, tasks_of(_PAPER))
