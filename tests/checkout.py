"""A checkout of the repository in a folder of its own, and what Snakemake plans and computes in it."""

import atexit
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from job_server import JOBS
from snakemake_server import COMMAND, SnakemakeServer

REPOSITORY = Path(__file__).resolve().parents[1]
SNAKEMAKE = [COMMAND]
_server = SnakemakeServer()
# The line of the map that computes a batch: tests have a checkout's own copy tell of it, or wait before it.
COMPUTES = "            yield batch[0], attempt("
# What Snakemake's runs keep of the syntax of modules, by their bytes: true in any checkout.
_SYNTAX = Path(".snakemake/unicedit-syntax.json")
_kept = Path(tempfile.mkdtemp(prefix="syntax-"), _SYNTAX.name)
atexit.register(shutil.rmtree, _kept.parent, ignore_errors=True)


class Checkout:
    """A copy of the repository's files; commands run in it as a user would run them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def fresh(cls, folder: Path, trains: bool = False) -> "Checkout":
        """Copy what git tracks, and what it would track; and its compiled modules.

        Its default verifier is the simulated one, or, with ``trains``, the one that a run trains as users have it: that takes minutes.
        """
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=REPOSITORY, capture_output=True, check=True, text=True
        ).stdout.split("\0")
        for name in filter(None, listed):
            source, target = REPOSITORY / name, folder / name
            if not source.exists() and not source.is_symlink():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_symlink():
                target.symlink_to(os.readlink(source))
            else:
                shutil.copy2(source, target)
        config = folder / "config/config.yaml"
        if not trains and config.is_file():
            settings = config.read_text(encoding="utf-8")
            assert settings.count("  engine: auto\n") == 1, "the verifier's"
            config.write_text(settings.replace("  engine: auto\n", "  engine: simulated\n"), encoding="utf-8")
        for compiled in REPOSITORY.joinpath("workflow").rglob("__pycache__"):
            # another process may be writing there, under temporary names
            shutil.copytree(
                compiled, folder / compiled.relative_to(REPOSITORY), ignore=shutil.ignore_patterns("*.pyc.*"), dirs_exist_ok=True
            )
        return cls(folder)

    def copy(self, folder: Path) -> "Checkout":
        """The whole folder with times, results and Snakemake's records, hard links kept."""
        subprocess.run(["cp", "-a", str(self.folder), str(folder)], check=True)
        return Checkout(folder)

    def path(self, name: str) -> Path:
        return self.folder / name

    def snakemake(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Snakemake with the local profile."""
        syntax = self.folder / _SYNTAX
        if _kept.exists() and not syntax.exists():
            syntax.parent.mkdir(exist_ok=True)
            shutil.copy(_kept, syntax)
        done = _server.run([*self.overlay(), "--profile", "profiles/local", "--cores", "2", *arguments], self.folder, JOBS.python)
        if not _kept.exists() and syntax.exists():
            shutil.copy(syntax, _kept)
        if check and done.returncode != 0:
            logs = [path for path in self.folder.glob("results/logs/*/*.log") if "error" in path.read_text().lower()]
            raise AssertionError(
                "\n".join([done.stdout[-3000:], done.stderr[-6000:], *(f"{path}:\n{path.read_text()[-2000:]}" for path in logs[:3])])
            )
        return done

    def overlay(self) -> list[str]:
        return ["--configfile", "test.yaml"] if self.path("test.yaml").exists() else []

    def command(self, script: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one of the commands."""
        done = subprocess.run([JOBS.python, f"workflow/scripts/{script}.py", *arguments], cwd=self.folder, capture_output=True, text=True)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def planned(self, *arguments: str) -> dict[str, int]:
        """Jobs a dry run plans, by rule."""
        done = self.snakemake("-n", *arguments)
        text = done.stdout + done.stderr
        found: Counter[str] = Counter()
        for table in re.findall(r"Job stats:\njob +count\n[- ]+\n(.*?)\n\n", text, flags=re.S):
            found = Counter({line.split()[0]: int(line.split()[1]) for line in table.splitlines() if line.strip()})
        found.pop("total", None)
        for target in ("all", "dataset", "tables", "benchmark"):
            found.pop(target, None)
        return dict(found)

    def rows(self, count: str = "computed") -> dict[str, int]:
        """Rows by stage that the last run of each shard computed (or another count of its progress records)."""
        totals: Counter[str] = Counter()
        for path in self.folder.glob("scratch/progress/*/*.json"):
            totals[path.parent.name] += json.loads(path.read_text())[count]
        return {stage: number for stage, number in totals.items() if number}

    def forget_rows(self) -> None:
        """Remove progress records, so that ``rows`` speaks of the next run alone."""
        shutil.rmtree(self.path("scratch/progress"), ignore_errors=True)

    def replace(self, name: str, old: str, new: str) -> None:
        """Change a file's text."""
        path = self.path(name)
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{name} does not hold {old!r}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def dataset(self) -> dict[str, bytes]:
        """The bytes of every dataset file."""
        return {path.name: path.read_bytes() for path in sorted(self.folder.glob("results/dataset/data/*.parquet"))}

    def sidecar(self, name: str) -> Any:
        return json.loads(self.path(f"results/{name}.json").read_text())
