"""Runs of Snakemake that need not load it again, which takes it two seconds: a process that has loaded it once, and forks a child for each.

`python tests/snakemake_server.py` reads a JSON object a line, `{"arguments": [...], "folder": ..., "output": ..., "errors": ..., "python": ...}`, and answers each
with a line that holds the exit status. The child does what the command `snakemake` does, with those arguments in that folder.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
import traceback
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

COMMAND = str(Path(sys.executable).with_name("snakemake"))


class SnakemakeServer:
    """The server's process, begun at the first run and ended with this one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._one_at_a_time = threading.Lock()

    def run(self, arguments: list[str], folder: Path, python: str) -> subprocess.CompletedProcess[str]:
        """What `subprocess.run` of the command gives; ``python`` runs the jobs."""
        with self._one_at_a_time, TemporaryDirectory() as temporary:
            process = self._process = self._process or self._begun()
            assert process.stdin is not None and process.stdout is not None
            said = [Path(temporary) / name for name in ("output", "errors")]
            asked = {"arguments": arguments, "folder": str(folder), "output": str(said[0]), "errors": str(said[1]), "python": python}
            process.stdin.write(json.dumps(asked) + "\n")
            process.stdin.flush()
            status = int(process.stdout.readline())
            return subprocess.CompletedProcess([COMMAND, *arguments], status, *(path.read_text() for path in said))

    def _begun(self) -> subprocess.Popen[str]:
        process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        atexit.register(process.kill)
        return process


def status_of(left: SystemExit) -> int:
    """The exit status of a program that ends so; a text is printed, as Python does."""
    if isinstance(left.code, str):
        print(left.code, file=sys.stderr)
    return left.code if isinstance(left.code, int) else int(left.code is not None)


def _as_command(asked: dict[str, Any]) -> int:
    """Be the command, in this process; its exit status."""
    from snakemake import cli

    for number, path in enumerate(("/dev/null", asked["output"], asked["errors"])):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(asked["folder"])
    sys.executable = asked["python"]
    sys.argv = [COMMAND, *asked["arguments"]]
    sys.path[0] = str(Path(COMMAND).parent)
    try:
        cli.main()
    except SystemExit as left:
        return status_of(left)
    return 0


def main() -> None:
    from snakemake import cli  # noqa: F401 (loaded once, for all children)

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            status = 1
            try:
                status = _as_command(json.loads(line))
                atexit._run_exitfuncs()
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        answers.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        answers.flush()


if __name__ == "__main__":
    main()
