"""What the commands of the rules share: their arguments, their log, and how an error ends them."""

import argparse
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from unicedit.config.map import MapSettings
from unicedit.errors import PipelineError
from unicedit.map.run import Places, run_map
from unicedit.map.stage import Stage
from unicedit.sidecar import Identity


def parser(description: str) -> argparse.ArgumentParser:
    """An argument parser that shows defaults."""
    return argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)


def table_parser(description: str) -> argparse.ArgumentParser:
    """The arguments of a command that makes one sealed table."""
    made = parser(description)
    made.add_argument("--shard", required=True, help="shard or generation the table is of")
    made.add_argument("--table", type=Path, required=True, help="Parquet file to write")
    made.add_argument("--seal", type=Path, required=True, help="sidecar to write beside it")
    made.add_argument("--code", default="", help="digest of the code, recorded in the sidecar")
    made.add_argument("--settings", default="{}", metavar="JSON", help="settings, as the rule's params give them")
    made.add_argument("--inputs", type=Path, nargs="*", default=[], help="sidecars of the inputs, recorded in the sidecar")
    made.add_argument("--scratch", type=Path, default=Path("scratch"), help="folder for journals and progress records")
    made.add_argument("--map", type=json.loads, default={}, metavar="JSON", help="settings of the resumable map")
    return made


def identity_of(arguments: argparse.Namespace, stage: str) -> Identity:
    """What the command's sidecar records."""
    return Identity(stage, arguments.shard, arguments.code, arguments.settings, tuple(arguments.inputs))


def run_stage(arguments: argparse.Namespace, stage: Stage) -> None:
    """Run a stage under the resumable map with a command's arguments."""
    places = Places.of(arguments.table, arguments.seal, arguments.scratch, stage.name, arguments.shard)
    run_map(stage, places, identity_of(arguments, stage.name), MapSettings.model_validate(arguments.map))


def run(main: Callable[[], Any]) -> None:
    """Run a command's ``main``: log to standard error, show an expected error as one line, leave with 1 after it."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except PipelineError as error:
        sys.exit(f"error: {error}")
