"""The command that says what judges' tables hold."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from made_judgements import rows, table, truth
from unicedit.errors import PipelineError
from unicedit.scoring.report import FILES, read_judgements, write_statistics

ROOT = Path(__file__).parents[2]


def read(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_command_writes_every_statistic(tmp_path: Path) -> None:
    first = rows(truth(np.random.Generator(np.random.PCG64(0))), 3, 3, 8, repeats=2)
    second = [{**row, "judge": "judge-2"} for row in first]
    second[0].update(score=None, status="failed", reason="refused: no")
    for number, made in enumerate((first, second)):
        wide = table(made).append_column("raw", pa.array(["reply"] * len(made)))
        pq.write_table(wide, tmp_path / f"{number}.parquet")
    command = [
        sys.executable,
        ROOT / "workflow/scripts/judgement_statistics.py",
        "--judged",
        tmp_path / "0.parquet",
        tmp_path / "1.parquet",
    ]
    done = subprocess.run([*command, "--out", tmp_path / "out", "--resamples", "100"], check=True, capture_output=True, text=True)
    assert "1 failed judgements" in done.stdout
    assert {path.stem for path in (tmp_path / "out").iterdir()} == set(FILES)
    (mean,) = [
        row
        for row in read(tmp_path / "out", "means")
        if [row[name] for name in ("judge", "model", "language", "level", "metric")] == ["judge-2", "model-00", "en", "all", "IF"]
    ]
    assert float(mean["ci_low"]) < float(mean["left_out"]) < float(mean["ci_high"])
    assert (mean["n"], mean["expected"], mean["failed"], mean["absent"]) == ("24", "24", "1", "0")
    assert len(read(tmp_path / "out", "neighbours")) == 2 * 2 * 2
    assert {row["repeats"] for row in read(tmp_path / "out", "repeats")} == {"2"}
    agreed = read(tmp_path / "out", "agreement")
    assert {row["judges"] for row in agreed} == {"judge-1 judge-2"} and all(float(row["alpha"]) > 0.99 for row in agreed)
    assert [row["kind"] for row in read(tmp_path / "out", "failures")] == ["refused"]


def test_rankings_that_depend_on_missing_scores_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = rows(lambda model, _s, sample, *_: (9 if sample < 2 else None) if model else 7, 2, 2, 4, ["en"])
    pq.write_table(table(made), tmp_path / "a.parquet")
    write_statistics([tmp_path / "a.parquet"], tmp_path / "out", None, 10, 0, 0.95)
    assert "depends on missing scores" in caplog.text


def test_other_tables_are_refused(tmp_path: Path) -> None:
    pq.write_table(table(rows(lambda *_: 7)).drop_columns(["judge"]), tmp_path / "a.parquet")
    with pytest.raises(PipelineError, match=r"a\.parquet: no column 'judge'"):
        read_judgements([tmp_path / "a.parquet"])
    (tmp_path / "b.parquet").write_text("text")
    with pytest.raises(PipelineError, match=r"b\.parquet: no table of judgements"):
        read_judgements([tmp_path / "b.parquet"])
