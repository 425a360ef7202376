"""Everything the card's gather makes: README.md, index.parquet, census.csv, census.png."""

from collections.abc import Sequence
from pathlib import Path

from unicedit.card.census import take_census, target_shares, write_census
from unicedit.card.index import write_index
from unicedit.card.plot import plot_census
from unicedit.card.readme import Made, readme
from unicedit.files import write_text
from unicedit.taxonomy import Taxonomy


def card(results: Path, shards: Sequence[str], made: Made, taxonomy: Taxonomy) -> dict[str, int]:
    """Write the dataset's card, index and census into ``results/dataset``; returns its rows by status.

    Reads the light columns of every stage's tables, one shard at a time.
    """
    folder = results / "dataset"
    census = take_census(results, shards)
    rows = write_index(results, shards)
    write_census(census, folder / "census.csv")
    targets = target_shares(taxonomy.names, made.instruct.shares)
    tasks = {task.name: [subtask.name for subtask in task.subtasks] for task in taxonomy.tasks}
    plot_census(
        census, tasks, targets, f"Census{' of a simulated run' if made.simulated() else ''}: {made.card.title}", folder / "census.png"
    )
    size = sum((folder / "data" / f"shard-{shard}.parquet").stat().st_size for shard in shards)
    write_text(folder / "README.md", readme(made, census, taxonomy, targets, size))
    return {"ok": rows, "rejected": 0, "failed": 0}
