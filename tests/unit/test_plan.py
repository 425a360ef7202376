"""The plan's arithmetic, its table of rates, and what it says must be changed."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from made_run import make_run
from made_slurm import slurm_on_path
from unicedit.cluster.asked import Asked
from unicedit.config.library import LibrarySettings
from unicedit.config.model import Config, parse
from unicedit.errors import ConfigError, PipelineError
from unicedit.index.index import Index
from unicedit.plan.jobs import jobs_of
from unicedit.plan.library import Pictures, pictures_of
from unicedit.plan.make import make_plan
from unicedit.plan.measured import Measured, measure
from unicedit.plan.measured_training import measure_training
from unicedit.plan.plan import Plan, Planner, pixels_of
from unicedit.plan.rates import RateTable, read_rates
from unicedit.plan.show import as_json, show
from unicedit.plan.sizes import Limit, advice, gpus_asked, limits
from unicedit.plan.volumes import training_volumes
from unicedit.workflow import merged

REPOSITORY = Path(__file__).resolve().parents[2]
SHARDS = [f"{number:05d}" for number in range(10)]
INDEX = Index(SHARDS, dict.fromkeys(SHARDS, 0), [SHARDS])
PICTURES = Pictures(dict.fromkeys(SHARDS, 1000))
SHARES = {"ingest": 0.8, "prefilter": 0.5, "instruct": 0.9, "edit": 0.5, "verify": 0.25}


def rate(stage: str, seconds: float, **more: object) -> dict[str, object]:
    return {"stage": stage, "seconds": seconds, "hardware": "a device", "source": "made for this test", "ours": True, **more}


def table(*rates: dict[str, object]) -> RateTable:
    stages = ("ingest", "duplicates", "assemble", "truth", "card, gallery, tables")
    engines = (("prefilter", "technical"), ("instruct", "simulated"), ("edit", "simulated"), ("verify", "simulated"))
    usual = [rate(stage, 0.0) for stage in stages] + [rate(stage, 0.0, engine=engine) for stage, engine in engines]
    sizes = [{"stage": "edit", "pictures": 1, "bytes_a_row": 100, "source": "made for this test", "ours": True}]
    pixels = [{"format": "png", "bytes_a_pixel": 2.0, "source": "made for this test", "ours": True}]
    return RateTable.model_validate({"rates": [*rates, *usual], "sizes": sizes, "pixels": pixels})


def made(config: Config, *rates: dict[str, object], gpus: int = 4, measured: dict[str, Measured] | None = None) -> Plan:
    return Planner(config, table(*rates), measured or {}, gpus=gpus, cores=8).plan(PICTURES, INDEX)


def config(**more: object) -> Config:
    return parse({"plan": {"shares": SHARES}, "benchmark": {"source": "none"}, "verify": {"engine": "simulated"}, **more})


def test_rows_go_through_the_shares() -> None:
    plan = made(config())
    rows = {line.stage: (line.given, line.rows) for line in plan.lines}
    assert rows["ingest"] == (10_000, 10_000)
    assert rows["duplicates"] == rows["prefilter"] == (8_000, 8_000)
    assert rows["instruct"] == (4_000, 20_000), "three to seven a picture are five"
    assert rows["edit"] == (18_000, 18_000)
    assert rows["verify"] == (9_000, 9_000)
    assert rows["assemble"] == (2_250, 2_250)


def test_hours_wall_storage_and_money() -> None:
    prices = {"gpu_hour": 2.0, "cpu_hour": 0.5, "terabyte_month": 10.0}
    plan = made(
        config(plan={"shares": SHARES, "prices": prices}, ingest={"size_divisor": 1}, map={"stage_workers": {"edit": 2}}),
        rate("edit", 4.0, engine="simulated", device="gpu", startup=18.0),
        rate("ingest", 0.36),
        gpus=5,
    )
    edit, ingest = plan.line("edit"), plan.line("ingest")
    assert edit.hours == pytest.approx((18_000 * 4 + 10 * 36) / 3600)
    assert edit.wall == pytest.approx(edit.hours / 5), "ten jobs of two GPUs keep five busy"
    assert ingest.hours == pytest.approx(1.0) and ingest.wall == pytest.approx(1 / 8)
    pixels = pixels_of(parse({"ingest": {"size_divisor": 1}}))
    assert edit.bytes == pytest.approx(18_000 * (100 + 2.0 * pixels))
    assert edit.money == pytest.approx(edit.hours * 2.0 + edit.bytes / 1e12 * 10.0)
    assert plan.wall == (edit.wall, pytest.approx(edit.wall + ingest.wall))


def test_seconds_grow_with_the_pictures_where_they_do() -> None:
    at_quarter = parse({"ingest": {"size_divisor": 4}})
    assert pixels_of(at_quarter) * 16 == pytest.approx(pixels_of(parse({"ingest": {"size_divisor": 1}})), rel=1e-3)
    plan = made(config(), rate("edit", 16.0, engine="simulated", pixels=pixels_of(at_quarter) * 16))
    assert plan.line("edit").seconds == pytest.approx(1.0)


def test_servers_cost_tokens_and_wait_side_by_side() -> None:
    openai = {"model": "some-model", "concurrency": 20, "price": {"input": 2.0, "output": 8.0}}
    plan = made(
        config(verify={"engine": "openai", "openai": openai}), rate("verify", 10.0, engine="openai", tokens_in=3000, tokens_out=500)
    )
    line = plan.line("verify")
    assert line.device == "cpu" and line.hours == pytest.approx(9_000 * 10 / 20 / 3600)
    assert line.money == pytest.approx(9_000 * (3000 * 2 + 500 * 8) / 1e6)
    assert any("some-model" in text for text in plan.warnings), "the rate is of any model"


def test_measured_stage_takes_the_place_of_shares_and_rates() -> None:
    found = Measured("edit", jobs=3, rows_in=100, rows=100, seconds=0.5, startup=2.0, ok=0.9, size=1000.0)
    plan = made(config(), rate("edit", 99.0, engine="simulated"), measured={"edit": found})
    line = plan.line("edit")
    assert (line.seconds, line.bytes, line.source) == (0.5, 18_000 * 1000.0, "measured: 3 jobs, 100 rows")
    assert line.hours == pytest.approx((18_000 * 0.5 + 10 * 2.0) / 3600)
    assert plan.line("verify").given == 16_200


def test_stage_without_a_rate_is_named_and_not_guessed() -> None:
    plan = made(config(instruct={"engine": "vllm", "vllm": {"model": "some/model"}}))
    assert plan.line("instruct").hours is None
    assert [text for text in plan.warnings if text.startswith("instruct: no rate for some/model")]
    assert json.loads(as_json(plan))["stages"][3]["hours"] is None


def test_training_rows() -> None:
    trained = parse({"verify": {"engine": "transformers"}})
    rows = training_volumes(trained, 0, ["a/informed-test.json", "b/ssim-validation.json"])
    assert rows["samples"] == 2600 + 768 + 450 + 900
    assert rows["d2po"] == 48 * 16, "updates times batch"
    assert rows["evaluate"] == 900 + 450
    jobs = jobs_of(trained, SHARDS, 2)
    assert (jobs["duplicates"], jobs["edit"], jobs["sft"], jobs["samples"]) == (2, 10, 1, 6 + 2 + 1 + 2)


def test_too_long_a_job_is_named_with_the_size_that_fits() -> None:
    plan = made(config(), rate("edit", 10.0, engine="simulated"))  # 1,800 edits a shard: 300 minutes
    told = advice(plan, config(), PICTURES, {"edit": Limit(240, "partition gpu")}, Path())
    assert told[0].startswith("edit: a job of 1,000 pictures takes 5.0 h, more than half of the 4.0 h that partition gpu allows")
    assert "library.shard_size: 400 " in told[1], "1.8 edits a picture of 10 s: 120 minutes hold 400 pictures"
    assert not advice(plan, config(), PICTURES, {"edit": Limit(601, "partition gpu")}, Path())


def test_too_many_jobs_and_too_little_room_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = made(config())
    many = replace(plan, jobs={"edit": 50_000})
    told = advice(many, config(library={"shard_size": 100}), PICTURES, {}, Path())
    assert told[0].startswith("50,000 jobs") and "library.shard_size: 200 " in told[0]
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1e6}))
    assert advice(plan, config(), PICTURES, {}, Path("/no/such/folder"))[0].startswith("storage: ")


def test_size_that_fits_but_makes_too_many_jobs_is_said_to() -> None:
    plan = made(config(), rate("edit", 10.0, engine="simulated"))
    many = replace(plan, jobs={"edit": 20_000})
    told = advice(many, config(), PICTURES, {"edit": Limit(240, "partition gpu")}, Path())
    assert "library.shard_size: 400 " in told[1] and "about 50,000 jobs" in told[1]


def test_gpus_of_a_job_beside_those_that_the_profile_asks_for() -> None:
    vllm = {"engine": "vllm", "vllm": {"model": "some/model", "tensor_parallel": 4}}
    asked = {"instruct": Asked("instruct", "gpu", None, None, 480.0, 1, 4), "edit": Asked("edit", "gpu", None, None, 480.0, 1, 1)}
    many = config(instruct=vllm, map={"stage_workers": {"edit": 8}})
    plan = made(many, rate("instruct", 1.0, engine="vllm", device="gpu"), rate("edit", 1.0, engine="simulated", device="gpu"))
    assert (plan.line("instruct").devices, plan.line("edit").devices) == (4, 8)
    assert gpus_asked(plan, many, asked) == ["edit: a job computes on 8 GPUs and the profile asks for 1: set-resources: edit: gpu: 8"]
    torn = config(instruct=vllm, map={"workers": 8})
    told = gpus_asked(made(torn, rate("instruct", 1.0, engine="vllm", device="gpu")), torn, {})
    assert told == ["instruct: each worker process has one GPU, and instruct.vllm.tensor_parallel is 4: map.stage_workers: {instruct: 0}"]


def test_limits_of_partitions_are_asked_of_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    overlay = tmp_path / "my.yaml"
    overlay.write_text(
        f"library: {{declared: 50000, shard_size: 5000}}\npaths: {{results: {tmp_path}/results, scratch: {tmp_path}/scratch}}\n"
    )
    profile = tmp_path / "profile"
    profile.mkdir()
    text = (REPOSITORY / "profiles/slurm/config.yaml").read_text(encoding="utf-8")
    (profile / "config.yaml").write_text(text.replace("runtime: 480 * attempt", "runtime: 5 * attempt"))
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setattr("unicedit.plan.make.installed", lambda: False)
    files = [REPOSITORY / "config/config.yaml", overlay]
    told = make_plan(files, 8, 64, profile, None).advice
    assert told[0].startswith(
        "edit: a job of 5,000 pictures takes 20.8 min, more than half of the 5.0 min that the profile's runtime allows"
    )
    slurm_on_path(tmp_path / "slurm", monkeypatch)
    monkeypatch.setattr("unicedit.plan.make.installed", lambda: True)
    assert not [text for text in make_plan(files, 8, 64, profile, None).advice if text.startswith("edit")], "gpu-b allows a day"


def test_pictures_are_counted_by_what_the_index_knows(tmp_path: Path) -> None:
    manifests = {
        "00000": {"kind": "folder", "entries": [{"name": "a", "size": 1}, {"name": "b", "size": 1}]},
        "00001": {"kind": "parquet", "entries": [{"name": "c", "size": 1, "rows": 70}]},
        "00002": {"kind": "webdataset", "entries": [{"name": "d.tar", "size": 30_000_000}]},
        "00003": {"kind": "webdataset", "entries": [{"name": "e.tar", "size": 30_000_000}]},
    }
    (tmp_path / "index").mkdir()
    for shard, manifest in manifests.items():
        (tmp_path / "index" / f"{shard}.json").write_text(json.dumps(manifest))
    (tmp_path / "ingest").mkdir()
    (tmp_path / "ingest/00003.json").write_text('{"rows_in": 120}')
    found = pictures_of(LibrarySettings(), Index(list(manifests), {}, [list(manifests)]), tmp_path)
    assert found.by_shard == {"00000": 2, "00001": 70, "00002": 100, "00003": 120}
    assert (found.total, found.most, found.estimated) == (292, 120, 100)


def test_finished_run_is_measured_from_its_records(tmp_path: Path) -> None:
    results, scratch = make_run(tmp_path, 4, running=0)
    for shard in ("00000", "00001"):
        path = results / "benchmarks" / "edit" / f"{shard}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("s\th:m:s\n1007.5\t0:16:47\n")
    (results / "usage" / "verify").mkdir(parents=True)
    counts = {"sent": 300, "answered": 200, "repeated": 100, "known": 1800, "tokens_in": 600_000, "tokens_cached": 0, "tokens_out": 80_000}
    (results / "usage" / "verify" / "a.json").write_text(json.dumps({**counts, "money": 1.0}))
    found = measure(results, scratch, ("edit", "verify", "duplicates"))
    assert set(found) == {"edit", "verify"}
    edit, verify = found["edit"], found["verify"]
    assert (edit.seconds, edit.ok, edit.size, edit.rows_of) == (pytest.approx(1.0), 0.9, 1000.0, 1.0)
    assert edit.startup == pytest.approx(7.5), "the job's seconds less those of its rows"
    assert (verify.tokens_in, verify.tokens_out) == (
        pytest.approx(3000 * 2000 / verify.rows_in),
        pytest.approx(400 * 2000 / verify.rows_in),
    )
    with pytest.raises(PipelineError, match=r"plan\.measured\.results = .*: holds no run"):
        measure(tmp_path / "elsewhere", scratch, ("edit",))


def test_training_is_measured_by_updates_and_its_model_is_as_large_whatever_it_reads(tmp_path: Path) -> None:
    seal = {"rows": 44, "rows_in": 44, "status": {"ok": 44}, "bytes": 900}
    for path, value in (
        ("verifier/sft/sft.json", {**seal, "steps": 3}),
        ("verifier/sidecars/sft.json", seal),
        ("verifier/sidecars/test.json", {**seal, "rows": 6}),
        ("verifier/runs/base/0/informed-test.json", {**seal, "rows": 18}),
        ("verifier/runs/sft/main/informed-test.json", {**seal, "rows": 18}),
        ("verifier/runs/sft/0/model.json", seal),
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(json.dumps(value))
    for name, seconds in (
        ("sft", 96),
        ("training_data", 5),
        ("evaluate/base-0-informed-test", 36),
        ("evaluate/sft-main-informed-test", 36),
    ):
        (tmp_path / f"benchmarks/{name}.tsv").parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"benchmarks/{name}.tsv").write_text(f"s\tcpu_time\n{seconds}\t1\n")
    trained = parse({"verify": {"engine": "transformers"}, "sft": {"batch_size": 16, "steps": 30, "epochs": None}})
    found = measure_training(tmp_path, trained)
    assert {stage: one.seconds for stage, one in found.items()} == {"training_data": 0.1, "sft": 2.0, "evaluate": 2.0}
    line = Planner(trained, read_rates(REPOSITORY / "config" / "rates.yaml"), found, gpus=1, cores=1).plan(PICTURES, INDEX).line("sft")
    assert (line.given, line.hours, line.bytes) == (480, pytest.approx(960 / 3600), 900)


def test_limit_is_the_partitions_where_slurm_told_it() -> None:
    one = Asked("edit", "gpu", None, None, 480.0, 1, 0)
    assert limits({"edit": one}, {"gpu": 1440.0})["edit"] == Limit(1440.0, "partition gpu")
    assert limits({"edit": one}, {})["edit"] == Limit(480.0, "the profile's runtime")


def test_benchmark_and_table2_are_counted_by_models_languages_judges_and_repeats() -> None:
    judge = {"name": "server", "engine": "openai", "repeats": 3, "openai": {"model": "m", "price": {"input": 2.0, "output": 8.0}}}
    models = [{"name": "a"}, {"name": "b"}, {"name": "absent", "run": False}]
    asked = {
        "benchmark": {"source": "world", "per_subtask": 10, "models": models, "judges": [judge]},
        "table2": {"samples": 100, "datasets": [{"name": "d", "mapping": "config/datasets/ours.yaml", "root": "."}], "judges": [judge]},
    }
    plan = made(config(**asked), rate("judge", 1.0, engine="openai", tokens_in=1000, tokens_out=100), rate("triplets", 0.5))
    edits = 220 * 2 * 2
    assert plan.line("bench_edit").rows == edits and plan.jobs["bench_edit"] == 4
    assert plan.line("expect").rows == 50 * 2 and plan.jobs["expect"] == 2, "once a sample and language, for both models"
    assert plan.line("judge").rows == 3 * (3 * edits + 50 * 2 * 2) and plan.jobs["judge"] == 4
    assert plan.line("judge").money == pytest.approx(plan.line("judge").rows * (1000 * 2 + 100 * 8) / 1e6)
    assert plan.line("viescore").rows == 100 * 2 * 3 and plan.jobs["viescore"] == plan.jobs["table2"] == 1
    assert "nc_claim" not in plan.jobs, "its scores would be asked for"


def test_judges_by_batch_cost_the_price_of_batches_and_need_a_day() -> None:
    batch = {"name": "half", "engine": "batch", "batch": {"model": "m", "price": {"input": 1.0, "output": 4.0}}}
    benchmark = {"source": "world", "per_subtask": 10, "models": [{"name": "a"}], "judges": [{"name": "truth"}, batch]}
    settings = config(benchmark=benchmark, instruct={"engine": "batch", "batch": {"model": "m", "price": {"input": 1.0, "output": 4.0}}})
    known = [rate("judge", 0.1, engine="batch", tokens_in=1000, tokens_out=100, startup=86400), rate("judge", 0.0, engine="measured")]
    plan = made(settings, *known, rate("instruct", 0.1, engine="batch", tokens_in=1000, tokens_out=200, startup=86400))
    judge, expect = plan.line("judge"), plan.line("expect")
    assert judge.money == pytest.approx(judge.rows / 2 * (1000 * 1 + 100 * 4) / 1e6), "the truth is free"
    assert expect.money == pytest.approx(expect.rows * (1000 * 1 + 100 * 4) / 1e6)
    assert plan.line("instruct").money == pytest.approx(plan.line("instruct").given * (1000 * 1 + 200 * 4) / 1e6)
    assert expect.device == "cpu" and expect.hours == pytest.approx(24 * 2, rel=0.01), "a job a language, each a day at worst"
    short, long = Limit(240, "the profile's runtime"), Limit(2880, "the profile's runtime")
    told = advice(plan, settings, PICTURES, {"instruct": short, "expect": short, "judge": long}, Path())
    assert [text.split(":")[0] for text in told] == ["instruct", "expect"] and "set-resources: expect: runtime: 2880" in told[1]
    found = Measured("judge", jobs=1, rows_in=100, rows=100, seconds=0.5, startup=2.0, ok=0.9, size=1000.0)
    assert made(settings, *known, measured={"judge": found}).line("judge").money == pytest.approx(judge.money), (
        "a run's time, the table's tokens"
    )


def test_shipped_rates_know_every_stage_of_every_shipped_configuration() -> None:
    rates = read_rates(REPOSITORY / "config" / "rates.yaml")
    sources = [one.source for one in (*rates.rates, *rates.sizes, *rates.pixels)]
    assert all(len(source) >= 10 for source in sources)
    for name in ("config.yaml", "photos.yaml", "paper.yaml", "laptop-gpu.yaml", "api.yaml", "unicbench.yaml"):
        configured = merged([REPOSITORY / "config" / "config.yaml", REPOSITORY / "config" / name])
        plan = Planner(configured, rates, {}, gpus=8, cores=8).plan(PICTURES, INDEX)
        assert not [text for text in plan.warnings if "no rate" in text], name
        assert all(line.hours for line in plan.lines), name
        assert {line.stage for line in plan.lines if not line.bytes} <= {"sft", "d2po", "evaluate"}, name  # models are not measured by rows
    assert plan.money > 0 and plan.hours("gpu") == 0, "api.yaml needs no GPU and costs money"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        ("rates: [", "not valid YAML"),
        (yaml.safe_dump({"rates": [{**rate("edit", 1.0), "seconds": -1}], "sizes": [], "pixels": []}), "rates.0.seconds: input should be"),
        (yaml.safe_dump({"rates": [{**rate("edit", 1.0), "source": "?"}], "sizes": [], "pixels": []}), "rates.0.source"),
    ],
)
def test_wrong_table_is_one_line(tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "rates.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError) as caught:
        read_rates(path)
    assert said in str(caught.value) and len(str(caught.value).splitlines()) == 1


def test_table_on_a_terminal() -> None:
    console = Console(width=160, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    show(made(config(), rate("edit", 4.0, engine="simulated", device="gpu")), console, "my.yaml")
    text = console.export_text()
    for word in ("my.yaml: 10,000 pictures, 10 shards", "18,000", "20.0", "made for this test (ours)"):
        assert word in text
