"""What the commands of the rules share: their arguments, their log, and how an error ends them."""

import argparse
import errno
import json
import logging
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from unicedit.config.map import MapSettings
from unicedit.errors import PipelineError
from unicedit.map.run import Places, run_map
from unicedit.map.stage import Stage
from unicedit.sidecar import Identity

if TYPE_CHECKING:
    from unicedit.vlm.engines import VlmPlaces

log = logging.getLogger(__name__)
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def parser(description: str) -> argparse.ArgumentParser:
    """An argument parser that shows defaults."""
    return argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)


def run_parser(description: str) -> argparse.ArgumentParser:
    """The arguments of a command that looks at a whole run: which one, by its configuration files or its folder."""
    made = parser(description)
    made.add_argument(
        "--configfile", type=Path, nargs="*", default=[], help="configuration files beside config/config.yaml, as given to Snakemake"
    )
    made.add_argument("--results", type=Path, help="results folder, in place of the one the configuration files name")
    return made


def folders(arguments: argparse.Namespace) -> tuple[Path, Path]:
    """The results and scratch folders of the run that a ``run_parser`` command was asked about."""
    from unicedit.monitor.places import places_of

    results, scratch = places_of(["--configfile", *map(str, arguments.configfile)])
    return arguments.results or results, scratch


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
    made.add_argument("--cache", type=Path, default=Path("cache"), help="folder for replies of models, kept between runs")
    made.add_argument("--map", type=json.loads, default={}, metavar="JSON", help="settings of the resumable map")
    return made


def identity_of(arguments: argparse.Namespace, stage: str) -> Identity:
    """What the command's sidecar records."""
    return Identity(stage, arguments.shard, arguments.code, arguments.settings, tuple(arguments.inputs))


def vlm_places(arguments: argparse.Namespace, stage: str) -> "VlmPlaces":
    """Where a stage's vision-language model keeps replies and accounts."""
    from unicedit.vlm.engines import VlmPlaces

    return VlmPlaces(arguments.cache / "replies", arguments.table.parent.parent / "usage" / stage)


@contextmanager
def attempts_log(path: Path) -> Iterator[None]:
    """Append what is logged, and how it ended, to ``path``: Snakemake begins a rule's own log anew at every attempt (design section 4)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(logging.Formatter(LOG_FORMAT))
    logging.getLogger().addHandler(handler)
    log.info("attempt begins: process %d on %s, Slurm job %s", os.getpid(), socket.gethostname(), os.environ.get("SLURM_JOB_ID", "none"))
    try:
        yield
    except BaseException as error:
        log.error("attempt ended: %s: %s", type(error).__name__, error)
        raise
    else:
        log.info("attempt ended well")
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()


def run_stage(arguments: argparse.Namespace, stage: Stage) -> None:
    """Run a stage under the resumable map with a command's arguments."""
    places = Places.of(arguments.table, arguments.seal, arguments.scratch, stage.name, arguments.shard)
    with attempts_log(places.attempts):
        run_map(stage, places, identity_of(arguments, stage.name), MapSettings.model_validate(arguments.map))


def spare_pandas() -> None:
    """Keep pyarrow from loading pandas, a fifth of the time of a short job. It does so at the first value that it converts, for the case that the value is of
    pandas; where that fails it goes on without, and what asks for pandas later still gets it.
    """
    hidden = _Hidden()
    sys.meta_path.insert(0, hidden)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(hidden)


class _Hidden(MetaPathFinder):
    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


def run(main: Callable[[], Any]) -> None:
    """Run a command's ``main``: log to standard error, show an expected error as one line, leave with 1 after it."""
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT, stream=sys.stderr)
    spare_pandas()
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except PipelineError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        sys.exit(f"error: no space left ({error}); make room in the results and scratch folders and run again: what is finished is kept")
