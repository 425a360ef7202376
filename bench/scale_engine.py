"""Does what jobs of the scale study owe, without computing: outputs with true sidecars, and an account of the time they would have taken.

Reads one job a line on standard input, as bench/scale_executor.py writes them, until the Snakemake behind it closes it.
"""

import json
import os
import shlex
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, "workflow/scripts")

from unicedit.sidecar import Identity, seal

IMAGES, INSTRUCTIONS, EDITS = 5.0e6, 22.4e6, 15.7e6  # the paper's, over all shards
# rows of the whole run, and GPU- or core-seconds a row: 1.35 s an edit, 250 GPU-hours of verification (design, section 10)
WORK = {
    "ingest": (IMAGES, 0.02),
    "prefilter": (IMAGES, 0.03),
    "instruct": (IMAGES, 0.2),
    "edit": (EDITS, 1.35),
    "verify": (EDITS, 250 * 3600 / EDITS),
    "assemble": (EDITS, 0.001),
}


def option(words: list[str], name: str) -> list[str]:
    """The values after an option, up to the next."""
    if name not in words:
        return []
    rest = words[words.index(name) + 1 :]
    return rest[: next((at for at, word in enumerate(rest) if word.startswith("--") or word == ">"), len(rest))]


def do(job: dict[str, object], shards: int, account: Counter[str]) -> None:
    """Put a job's outputs in place, the table before its sidecar, and account its time."""
    words = shlex.split(str(job["shell"]))
    stage = Path(words[1]).stem
    (sidecar,) = option(words, "--seal")
    outputs = [Path(name) for name in job["output"] if name != sidecar]  # type: ignore[attr-defined]
    for path in outputs:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{stage} {path.name}")
    rows, seconds = WORK.get(stage, (0.0, 0.0))
    account[stage] += round(rows / shards * seconds)
    shard = (option(words, "--shard") or ["all"])[0]
    (code,), (settings,) = option(words, "--code"), option(words, "--settings")
    for path in (Path(words[words.index(">") + 1]), Path(str(job["benchmark"]))):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("s\n1\n")
    count = round(rows / shards)
    status = {"ok": count, "rejected": 0, "failed": 0}
    table = outputs[0] if not option(words, "--table") else Path(option(words, "--table")[0])
    identity = Identity(stage, shard, code, settings, tuple(map(Path, option(words, "--inputs"))))
    seal(table, Path(sidecar), identity, rows=count, rows_in=count, status=status, reasons={})


def main() -> None:
    shards, account = int(os.environ["UNICEDIT_SCALE_SHARDS"]), Counter[str]()
    with open(os.environ["UNICEDIT_SCALE_DONE"], "a", encoding="utf-8") as done:  # noqa: PTH123
        for line in sys.stdin:
            job = json.loads(line)
            do(job, shards, account)
            done.write(f"{job['id']}\n")
            done.flush()
    Path(f"{os.environ['UNICEDIT_SCALE_REPORT']}.account").write_text(json.dumps(account))


if __name__ == "__main__":
    main()
