# Stands for the interpreter in the commands of tests' runs: see job_server.py, beside whose socket it is put. It loads next to nothing.
import array
import os
import signal
import socket
import sys

REAL = sys.executable
SETTINGS = ("HF_", "TRANSFORMERS_", "MPL", "TORCH", "CUDA_", "PYTHONPATH", "PYTHONHASHSEED", "LD_", "RANK", "WORLD_SIZE", "MASTER_")


def main() -> int:
    folder, arguments = os.path.dirname(os.path.abspath(__file__)), sys.argv[1:]
    own = any(name.startswith(SETTINGS) for name in os.environ) or os.environ.get("OMP_NUM_THREADS", "1") != "1"
    served = bool(arguments) and arguments[0].endswith(".py") and "workflow/scripts/" in arguments[0] and not own
    if not served:
        os.execv(REAL, [REAL, *arguments])
    import json

    asked = json.dumps({"arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ)}).encode()
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(os.path.join(folder, "socket"))
    child = int(connection.recv(8, socket.MSG_WAITALL))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGURG):
        signal.signal(number, lambda number, _: os.kill(child, number))
    connection.sendmsg([b"%8d" % len(asked)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
    connection.sendall(asked)
    status = connection.recv(8, socket.MSG_WAITALL)
    return int(status) if status else 137


sys.exit(main())
