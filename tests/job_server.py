"""Jobs that need not load their libraries again, which takes a short one most of its time: a process that keeps them loaded, and forks a child for each.

`python tests/job_server.py FOLDER` listens on FOLDER/socket. FOLDER/python stands for the interpreter in the rules' commands: it passes the server its
arguments, folder, environment and open files, and leaves as the child does. The child runs the very script, with the modules of the checkout that it
lies in; what it loaded of installed libraries the server loads too, for the next. Whatever is not a command of the workflow, or has settings of
libraries in its environment, such as several threads, runs in an interpreter of its own.
"""

import array
import atexit
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import traceback
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

from snakemake_server import status_of

CLIENT = Path(__file__).with_name("job_client.py")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # one, as rules have it but for the trainings
LIBRARIES = sysconfig.get_path("purelib")


class JobServer:
    """The server's process, begun when its interpreter is first asked for and ended with this one."""

    def __init__(self) -> None:
        self._python: str | None = None

    @property
    def python(self) -> str:
        """Path of what stands for the interpreter."""
        if self._python is None:
            folder = TemporaryDirectory(prefix="jobs-")
            python = Path(folder.name, "python")
            python.write_text(f"#!{sys.executable} -IS\n{CLIENT.read_text()}")
            python.chmod(0o755)
            process = subprocess.Popen([sys.executable, __file__, folder.name], env={**os.environ, **dict.fromkeys(THREADS, "1")})
            atexit.register(folder.cleanup)
            atexit.register(process.kill)
            deadline = time.monotonic() + 60
            while not Path(folder.name, "socket").exists():
                assert process.poll() is None and time.monotonic() < deadline, "the job server did not start"
                time.sleep(0.01)
            self._python = str(python)
        return self._python


JOBS = JobServer()


def installed() -> list[str]:
    """Modules of installed libraries that are loaded, in the order in which they were."""
    named = [(name, getattr(module, "__file__", None) or "") for name, module in list(sys.modules.items())]
    return [name for name, file in named if file.startswith(LIBRARIES)]


def _received(connection: socket.socket) -> dict[str, Any]:
    """A request: standard input, output and errors are put in their places."""
    size, control, _, _ = connection.recvmsg(8, socket.CMSG_SPACE(3 * array.array("i").itemsize))
    files = array.array("i", control[0][2])
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    length, text = int(size), b""
    while len(text) < length:
        part = connection.recv(length - len(text))
        if not part:
            raise ConnectionError("the client left before it had said what to run")
        text += part
    asked: dict[str, Any] = json.loads(text)
    return asked


def _as_script(asked: dict[str, Any]) -> int:
    """Be the command, in this process; its exit status."""
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    sys.argv = asked["arguments"]
    sys.path[0] = str(Path(sys.argv[0]).resolve().parent)
    os.execvp = _instead_of_exec  # type: ignore[assignment]
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as left:
        return status_of(left)
    return 0


def _instead_of_exec(file: str, arguments: Sequence[str]) -> NoReturn:
    """Run a program and leave as it does: whoever becomes another program cannot say any more how it ended."""
    sys.exit(subprocess.run([file, *arguments[1:]], check=False).returncode)


def _answer(connection: socket.socket) -> int:
    """Run a request's command; its exit status."""
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    connection.sendall(f"{os.getpid():8d}".encode())
    loaded, status = set(installed()), 1
    try:
        status = _as_script(_received(connection))
        atexit._run_exitfuncs()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    connection.sendall(f"{status:8d}".encode())
    with suppress(BlockingIOError):
        os.write(_told[1], "".join(f"{name}\n" for name in installed() if name not in loaded).encode())
    return status


def _load(names: Iterable[str]) -> None:
    for name in names:
        with suppress(Exception):  # the job that needs it will say
            importlib.import_module(name)


_told = os.pipe2(os.O_NONBLOCK)


def main() -> None:
    place = Path(sys.argv[1], "socket")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(place))
    listening.listen(64)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        connection, _ = listening.accept()
        with suppress(BlockingIOError):
            _load(os.read(_told[0], 65536).decode().split("\n"))
        if os.fork() == 0:
            listening.close()
            os._exit(_answer(connection))
        connection.close()


if __name__ == "__main__":
    main()
