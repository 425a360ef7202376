"""What the commands of the gathers share: one job over all shards, with one sidecar for all it makes."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from unicedit.command import parser
from unicedit.sidecar import Identity, seal


def gather_parser(description: str) -> argparse.ArgumentParser:
    """The arguments of a command that gathers all shards."""
    made = parser(description)
    made.add_argument("--results", type=Path, default=Path("results"), help="results folder of the pipeline")
    made.add_argument("--seal", type=Path, required=True, help="sidecar to write")
    made.add_argument("--code", default="", help="digest of the code, recorded in the sidecar")
    made.add_argument("--settings", required=True, metavar="JSON", help="settings, as the rule's params give them")
    return made


def sidecars(results: Path, stages: Sequence[str], shards: Sequence[str]) -> list[Path]:
    """The sidecars of ``stages`` over all shards, the dataset's under the name ``assemble``."""
    found = []
    for stage in stages:
        folder, prefix = (results / "dataset" / "sidecars", "shard-") if stage == "assemble" else (results / stage, "")
        found += [folder / f"{prefix}{shard}.json" for shard in shards]
    return found


def seal_gather(arguments: argparse.Namespace, stage: str, made: Path, inputs: Sequence[Path], status: Mapping[str, int]) -> None:
    """Write the sidecar of a gather: ``made`` is its first output, ``inputs`` the sidecars of the tables it read."""
    rows = sum(status.values())
    identity = Identity(stage, "all", arguments.code, arguments.settings, tuple(inputs))
    seal(made, arguments.seal, identity, rows=rows, rows_in=rows, status=status, reasons={})
