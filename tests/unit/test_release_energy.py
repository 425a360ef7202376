"""Energy in a release's card: what accounting and counters say, what is only an estimate, and that nothing known is not nothing used."""

from pathlib import Path

import pytest

from checkout import REPOSITORY
from made_slurm import slurm_on_path
from unicedit.cluster.energy import JobsEnergy, energy_of_run, parse_energy
from unicedit.config.model import parse
from unicedit.files import read_json
from unicedit.monitor.rapl import Rapl
from unicedit.plan.rates import Power, read_rates
from unicedit.release.cost import StageCost
from unicedit.release.energy import Energy, Rated, estimate, measured, of_counters, of_jobs, rated

CPU = Power(device="cpu", hardware="a core", watts=10, source="a data sheet", ours=False)
GPU = Power(device="gpu", hardware="a card", watts=500, source="a data sheet", ours=False)
RUN = "80b651a9-aceb-47d9-995f-8e38e546d1bb"
SACCT = """\
5|7200|rule_edit_wildcards_00000
5.batch|7200|
5.0|7100|
6|0|rule_edit_wildcards_00001
6.batch|1000|
6.extern|9999|
6.0|1800|
7|18446744073709551614|rule_edit_wildcards_00002
8|4294967294|
9|5000|rule_train_variant
10||rule_verify_wildcards_00000
"""


def cost(stage: str, hours: float, cpu_hours: float | None) -> StageCost:
    return StageCost(stage, 1, hours, cpu_hours, None)


def test_accounting_counts_the_dataset_s_jobs_once_each() -> None:
    found = parse_energy(SACCT, {"8": "ingest"}, ("ingest", "edit", "verify"))
    assert found == JobsEnergy(7200 + 1800, 2, 5), "the job's own figure, or its largest step's; signs for no value are none"
    line = of_jobs(found)
    assert line.kwh == pytest.approx(9000 / 3.6e6)
    assert line.covers.startswith("2 of 5 jobs")


def test_a_run_on_slurm_is_asked_about_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slurm = slurm_on_path(tmp_path / "slurm", monkeypatch)
    monkeypatch.chdir(tmp_path)
    results = tmp_path / "results"
    assert energy_of_run(tmp_path, results, ("edit",)) is None and slurm.calls == []
    log = tmp_path / ".snakemake" / "log" / "2026-11-25T003639.562612.snakemake.log"
    log.parent.mkdir(parents=True)
    log.write_text(f"  Date: 2026-11-25 00:36:39\n  Host: login1\n  Command: snakemake all\n  Config file(s): []\n\nSLURM run ID: {RUN}\n")
    slurm.says("sacct", RUN, SACCT)
    assert energy_of_run(tmp_path, results, ("edit",)) == JobsEnergy(9000, 2, 3)
    assert [one.source for one in measured(tmp_path, results, 1.5)] == ["metered", "measured by Slurm"]
    slurm.says("sacct", RUN, "5|0|rule_edit_wildcards_00000\n")
    assert energy_of_run(tmp_path, results, ("edit",)) is None, "a cluster that gathers no energy has used some all the same"
    slurm.says("sacct", RUN, "Slurm accounting storage is disabled\n", 1)
    assert measured(tmp_path, results, None) == []


def domain(root: Path, place: str, name: str, energy: int, span: int = 1_000_000) -> Path:
    folder = root / place
    folder.mkdir(parents=True)
    (folder / "name").write_text(name + "\n")
    (folder / "max_energy_range_uj").write_text(f"{span}\n")
    (folder / "energy_uj").write_text(f"{energy}\n")
    return folder / "energy_uj"


def test_counters_of_packages_and_memory_are_added_though_they_start_anew(tmp_path: Path) -> None:
    package = domain(tmp_path, "intel-rapl:0", "package-0", 900_000)
    memory = domain(tmp_path, "intel-rapl:0:1", "dram", 10)
    domain(tmp_path, "intel-rapl:0:0", "core", 0)  # within the package
    domain(tmp_path, "intel-rapl:1", "psys", 0)  # packages and all else
    energy = Rapl(tmp_path)
    assert [one.name for one in energy.counters] == ["package-0", "dram"]
    package.write_text("100000\n")
    energy.look()
    package.write_text("600000\n")
    memory.write_text("300010\n")
    energy.look()
    assert energy.joules == pytest.approx((200_000 + 500_000 + 300_000) / 1e6)
    energy.keep(tmp_path / "results")
    (record,) = (tmp_path / "results" / "energy").glob("*.json")
    assert read_json(record)["domains"] == ["dram", "package"]
    (line,) = of_counters(tmp_path / "results")
    assert line.kwh == pytest.approx(1.0 / 3.6e6) and line.covers.startswith("dram and package counters")


def test_counters_that_nobody_may_read_leave_no_record(tmp_path: Path) -> None:
    domain(tmp_path, "intel-rapl:0", "package-0", 1).unlink()
    (tmp_path / "intel-rapl:2").mkdir()
    energy = Rapl(tmp_path)
    energy.look()
    energy.keep(tmp_path / "results")
    assert not (tmp_path / "results").exists() and of_counters(tmp_path / "results") == []


def test_the_estimate_is_hours_times_rated_power() -> None:
    costs = [cost("ingest", 2.0, 4.0), cost("edit", 3.0, 1.0)]
    found = estimate(costs, Rated({"cpu": CPU, "gpu": GPU}, {"edit": 8}))
    assert found is not None
    assert found.kwh == pytest.approx((4.0 * 10 + 1.0 * 10 + 3.0 * 8 * 500) / 1000)
    assert found.source == "**estimate**" and "500 W a GPU (a card; a data sheet)" in found.covers and "without" not in found.covers
    assert found.carbon(250) == pytest.approx(found.kwh * 0.25)
    alone = estimate(costs, Rated({"cpu": CPU, "gpu": GPU}, {}))
    assert alone is not None and alone.kwh == pytest.approx(0.05) and "GPU" not in alone.covers.partition("; no cooling")[0]


def test_what_an_estimate_lacks_is_named_and_never_counted_as_nothing() -> None:
    costs = [cost("ingest", 2.0, 4.0), cost("edit", 3.0, None), cost("verify", 1.0, 1.0)]
    found = estimate(costs, Rated({"cpu": CPU}, {"verify": 1}))
    assert found is not None and found.kwh == pytest.approx(0.04)
    assert found.covers.endswith("; without edit, verify, whose time or power is not known")
    assert estimate([], Rated({"cpu": CPU}, {})) is None
    assert estimate(costs, Rated({}, {})) is None
    assert estimate([cost("edit", 1.0, None)], Rated({"cpu": CPU}, {})) is None


def test_the_shipped_table_has_the_power_of_what_stages_compute_on() -> None:
    table = read_rates(REPOSITORY / "config" / "rates.yaml")
    plain = rated(parse({}), table)
    assert plain.gpus == {} and {one.device for one in plain.power.values()} == {"cpu", "gpu"}
    editor = {"name": "a", "engine": "diffusers", "diffusers": {"pipeline": "FluxKontextPipeline", "model": "org/model"}}
    assert rated(parse({"edit": {"editors": [editor]}}), table).gpus == {"edit": 1}


def test_nothing_known_is_said_and_no_zero(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slurm_on_path(tmp_path / "slurm", monkeypatch)
    assert measured(tmp_path, tmp_path / "results", None) == []
    assert measured(tmp_path, tmp_path / "results", 0.0) == [Energy("metered", 0.0, "what the publisher's meter saw")]
