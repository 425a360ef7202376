"""The figures of the scale study against the number of shards."""

from collections.abc import Sequence
from pathlib import Path

PANELS = (
    (
        "seconds of processor time",
        {"fresh_processor": "dry run, nothing done", "done_processor": "dry run, all done", "first_processor": "to the first job"},
    ),
    (
        "memory of the head (MB)",
        {"fresh_memory_mb": "dry run, nothing done", "done_memory_mb": "dry run, all done", "run_memory_mb": "whole run"},
    ),
    (
        "processor time of the head\na shard, whole run (s)",
        {"run_shard": "all", "submitting_shard": "submitting", "rounds_shard": "rounds of the scheduler"},
    ),
    ("a round of the scheduler\n(s of processor time)", {"round_processor": "mean", "longest_round_processor": "longest"}),
    ("files", {"files_results": "results", "files_metadata": "Snakemake's metadata", "files_index": "index"}),
    ("make status (s)", {"status_wall": "wall", "status_processor": "processor"}),
)


def plot(rows: Sequence[dict[str, float]], path: Path) -> None:
    """Draw six panels over shards."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    shown = [
        {
            **row,
            "run_shard": row["run_processor"] / row["shards"],
            "submitting_shard": row["run_submitting"] / row["shards"],
            "rounds_shard": row["round_processor"] * row["rounds"] / row["shards"],
        }
        for row in rows
    ]
    figure, axes = pyplot.subplots(2, 3, figsize=(12, 6.5), constrained_layout=True)
    for axis, (title, lines) in zip(axes.flat, PANELS, strict=True):
        for name, label in lines.items():
            axis.plot([row["shards"] for row in shown], [row[name] for row in shown], marker="o", markersize=3, label=label)
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("shards", fontsize=9)
        axis.set_ylim(bottom=0)
        axis.set_xlim(left=0)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    figure.savefig(path, dpi=90)
    pyplot.close(figure)
