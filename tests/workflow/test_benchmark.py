"""The benchmark through the workflow: the simulated one with its known ranking, and a judge behind a server that fails now and then."""

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from batch_server import batches_served, told
from checkout import Checkout
from openai_server import MODEL, asked, served
from unicedit.vlm.spent import spent_in

pytestmark = pytest.mark.workflow

SUBTASKS, REASONING = 22, 5
METRIC_ROWS = 3 * SUBTASKS + REASONING  # a model and language, with one sample a sub-task
CONFIG = """
library: {{shard_size: 6}}
world: {{images: 6}}
benchmark:
  per_subtask: 1
{own}
"""
JUDGE = """
  languages: [en]
  models:
    - {{name: quiet-1.0, simulated: {{flicker: 0, faults: {{no_edit: 0, misaligned: 0, quality: 0, damage: 0}}}}}}
    - {{name: loud, paper: FLUX.1-Kontext}}
    - {{name: absent, paper: BAGEL, run: false}}
  judges:
    - name: server
      engine: openai
      attempts: 1
      openai: {{model: {model}, base_url: '{url}', longest_wait: 0.05, tries: 20, price: {{input: 2.0, output: 8.0}}}}
"""
BAD = ("prose", "refusal")  # replies that are none; the other faults pass


def checkout(folder: Path, own: str = "") -> Checkout:
    run = Checkout.fresh(folder)
    run.path("test.yaml").write_text(CONFIG.format(own=own))
    return run


def judged(run: Checkout, stage: str = "judge") -> list[dict[str, Any]]:
    return [row for path in sorted(run.path(f"results/{stage}").glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def figures(run: Checkout, name: str = "table4") -> dict[tuple[str, str, str], dict[str, str]]:
    with run.path(f"results/tables/{name}.csv").open() as stream:
        return {(line["row"], line["metric"], line["source"]): line for line in csv.DictReader(stream)}


def bad(log: Path) -> int:
    return sum(one["fault"] in BAD for one in asked(log))


def test_simulated_editors_rank_as_they_were_made(tmp_path: Path) -> None:
    run = checkout(tmp_path / "checkout")
    run.snakemake("benchmark")
    rows = judged(run)
    assert len(rows) == 3 * 2 * METRIC_ROWS and {row["status"] for row in rows} == {"ok"}
    assert all(0 <= row["score"] <= 10 and row["prompt"] is None for row in rows)
    found = figures(run)
    source = "measured by measured"
    overall = [float(found[f"simulated-{name}, both", "Overall", source]["value"]) for name in ("careful", "usual", "careless")]
    assert overall == sorted(overall, reverse=True) and overall[0] > overall[2] + 1
    assert found["GPT-Image-1, en", "Overall", "reported"]["value"] == "8.3546", "paper Table 4"
    page = run.path("results/tables/table4.md").read_text()
    assert "in the simulated world, measured from its truth" in page and "no judge" in page and "22 of 22" in page
    assert "| GPT-Image-1 | not run |" in page
    for name in ("table4", "table4_subtasks"):
        assert run.path(f"results/tables/{name}.png").stat().st_size > 10_000
    claim = figures(run, "nc_claim")
    areas = [float(claim[f"{name}, against right edits", "auc", source]["value"]) for name in ("NC", "SC")]
    assert all(0.9 < area <= 1 for area in areas), "with the truth at hand damage is seen"
    assert "computed from the truth, no judge" in run.path("results/tables/nc_claim.md").read_text()
    assert run.planned("benchmark") == {}

    run.snakemake("bench_export")
    export = run.path("results/benchmark/export")
    assert len(list(export.glob("simulated-usual/*/cn/*.png"))) == SUBTASKS
    lines = [json.loads(line) for path in export.glob("*/eval_output/measured/*_results.jsonl") for line in path.read_text().splitlines()]
    assert len(lines) == 3 * 2 * SUBTASKS and all((export / line["edited_image_path"]).exists() for line in lines)
    careful = [line["overall_score"] for line in lines if line["edited_image_path"].startswith("simulated-careful/")]
    assert sum(careful) / len(careful) == pytest.approx(overall[0], abs=1e-5), "the public tool's mean is the table's"


def test_judge_that_fails_leaves_just_the_expected_coverage_and_is_asked_only_for_what_is_missing(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with served(log, {"busy": 0.1, "prose_first": 0.15, "refusal_first": 0.05}) as url:  # what is asked again is answered
        run = checkout(tmp_path / "checkout", JUDGE.format(model=MODEL, url=url))
        run.snakemake("benchmark")
        first = judged(run)
        failed = [row for row in first if row["status"] == "failed"]
        expected = judged(run, "expect")
        unexpected = {row["key"] for row in expected if row["status"] == "failed"}
        assert len(first) == 2 * METRIC_ROWS and len(expected) == REASONING, "no row disappears, and what is expected serves both models"
        orphans = [row for row in failed if row["reason"].startswith("expected: ")]
        assert {row["key"] for row in orphans} == unexpected and len(orphans) == 2 * len(unexpected)
        assert bad(log) == len(failed) - len(orphans) + len(unexpected) > 0, (
            "a reply that cannot be read is a failed row, and nothing else is"
        )
        assert all(row["score"] is None for row in failed)

        per_sample = Counter((row["model"], row["key"]) for row in failed)
        found = figures(run)
        for model in ("quiet-1.0", "loud"):
            figure = found[f"{model}, en", "Overall", "measured by server"]
            assert int(figure["n"]) == SUBTASKS - sum(one == model for one, _ in per_sample) and figure["expected"] == "22"
        page = run.path("results/tables/table4.md").read_text()
        assert "| absent | not run |" in page and "prompt digest" in page and MODEL in page and "missing as 0" in page

        before, missing = len(asked(log)), sum(row["status"] == "failed" for row in judged(run))
        kept = {row["item"] + row["model"]: row for row in judged(run) if row["status"] == "ok"}
        lost = sum(row["status"] == "failed" for row in judged(run, "expect"))
        for stage in ("expect", "judge"):
            run.command("retry", "--configfile", "test.yaml", "--stage", stage)
        run.snakemake("benchmark")
        sent = [one for one in asked(log)[before:] if one["fault"] != "busy"]
        still = sum((row["reason"] or "").startswith("expected: ") for row in judged(run))
        assert len(sent) == missing - still + lost, "only what is missing is asked again"
        assert all(row == kept[row["item"] + row["model"]] for row in judged(run) if row["item"] + row["model"] in kept)
        before = len(asked(log))
        run.snakemake("nc_claim")
        claim = judged(run, "bench_viescore")
        assert len(claim) == 2 * SUBTASKS * 2 and {row["dataset"] for row in claim} == {"quiet-1.0-en", "loud-en"}
        assert len([one for one in asked(log)[before:] if one["fault"] != "busy"]) == len(claim), "SC and PQ of each edit"
        figure = figures(run, "nc_claim")["damaged, against all other edits", "edits", "measured by server"]
        lost = {(row["dataset"], row["place"]) for row in claim if row["status"] == "failed"}
        assert (int(figure["n"]), figure["expected"]) == (2 * SUBTASKS - len(lost), str(2 * SUBTASKS))

        refused = run.snakemake("judge_check", check=False)
        assert refused.returncode != 0 and "give benchmark.judges one of engine `measured`" in refused.stdout + refused.stderr
        before = len(asked(log))
        run.replace("test.yaml", "  judges:\n", "  judges:\n    - {name: truth}\n")
        assert run.planned("judge_check") == {"judge": 2, "judge_check": 1}, "the judge's rows are there"
        run.snakemake("judge_check")
        assert len(asked(log)) == before, "nobody is asked again"
        check = figures(run, "judge_check")
        for metric, of in (("IF", SUBTASKS), ("RA", REASONING), ("Overall", SUBTASKS)):
            figure = check[metric, "spearman", "measured by server"]
            assert (figure["n"], figure["expected"]) == (str(2 * of), str(2 * of)) and abs(float(figure["value"])) < 0.9, "it guesses"
        # each edit: IF, NC, VQ, and for 5 of 22 RA, and what is expected of it, once for both models
        asks = 1000 * (3 + 1.5 * REASONING / SUBTASKS)
        assert float(check["all", "tokens_in_per_1000", "measured by server"]["value"]) == pytest.approx(1000 * asks)
        assert float(check["all", "cost_per_1000", "measured by server"]["value"]) == pytest.approx(asks * (1000 * 2e-6 + 100 * 8e-6))
    rows = [row for row in judged(run) if row["judge"] == "server"]
    assert {row["status"] for row in rows} == {"ok"}, "in the end everything is scored"
    assert all(row["score"] == 10 - sum(one["deduction"] for one in row["violations"]) for row in rows)
    assert all((row["tokens_in"], row["tokens_out"], row["attempt"]) == (1000, 100, 1) and row["snapshot"] == MODEL for row in rows)
    assert rows[0]["cost"] == pytest.approx(1000 * 2e-6 + 100 * 8e-6)


def test_judges_by_batch_are_asked_once_and_paid_at_the_price_of_batches(tmp_path: Path) -> None:
    state, each = tmp_path / "state", 800 * 1e-6 + 200 * 0.5e-6 + 100 * 4e-6
    own = "model: {model}, base_url: '{url}', poll_seconds: 0.2, price: {{input: 1.0, cached_input: 0.5, output: 4.0}}"
    with batches_served(state, "openai", {"prose": 0.1}, seconds=0.5) as url:
        one, other = (own.format(model=MODEL, url=address) for address in (url, url.removesuffix("v1") + "v1beta"))
        judges = f"""
  languages: [en]
  models: [{{name: loud}}]
  judges:
    - {{name: by-openai, engine: batch, attempts: 1, batch: {{{one}}}}}
    - {{name: by-gemini, engine: batch, attempts: 1, batch: {{provider: gemini, {other}}}}}
"""
        run = checkout(tmp_path / "checkout", judges)
        run.snakemake("benchmark", "nc_claim")
        first = {stage: judged(run, stage) for stage in ("expect", "judge", "bench_viescore")}
        lines = told(state, "request")
        run.replace("test.yaml", "poll_seconds: 0.2", "poll_seconds: 0.3")
        run.forget_rows()
        run.snakemake("benchmark", "nc_claim")
        assert {stage: judged(run, stage) for stage in first} == first and run.rows() == {}, "how batches are carried decides no row"
        assert told(state, "request") == lines and run.planned("benchmark", "nc_claim") == {}, "a rerun sends nothing"

        run.replace("test.yaml", "  judges:\n", "  judges:\n    - {name: truth}\n")
        run.snakemake("judge_check")
        assert told(state, "request") == lines, "what each costs is told of what was asked"
        check = figures(run, "judge_check")
        for judge in ("by-openai", "by-gemini"):
            cost = float(check["all", "cost_per_1000", f"measured by {judge}"]["value"])
            tokens = float(check["all", "tokens_in_per_1000", f"measured by {judge}"]["value"])
            assert cost == pytest.approx(tokens / 1000 * each)
    assert [len(first[stage]) for stage in first] == [2 * REASONING, 2 * METRIC_ROWS, 2 * 2 * SUBTASKS], "no row disappears"
    orphans = [row for row in first["judge"] if (row["reason"] or "").startswith("expected: ")]
    assert len(lines) == sum(map(len, first.values())) - len(orphans), "each question once"
    assert len({line["batch"] for line in lines}) == len(told(state, "batch")) == 2 * 3, "a job is a batch"
    failed = {stage: [row for row in rows if row["status"] == "failed"] for stage, rows in first.items()}
    assert sum(map(len, failed.values())) > 0 and all(row["reason"] for rows in failed.values() for row in rows)
    scored = [row for row in first["judge"] if row["status"] == "ok"]
    assert all(row["score"] == 10 - sum(one["deduction"] for one in row["violations"]) for row in scored)
    paid = [row for stage in ("expect", "judge") for row in first[stage] if row["status"] == "ok"]
    assert all(row["cost"] == pytest.approx(each) and row["snapshot"] == MODEL for row in paid)
    found = figures(run)
    for judge in ("by-openai", "by-gemini"):
        lost = {row["key"] for row in failed["judge"] if row["judge"] == judge}
        figure = found["loud, en", "Overall", f"measured by {judge}"]
        assert (int(figure["n"]), figure["expected"]) == (SUBTASKS - len(lost), "22")
        spent = [spent_in(run.path(f"results/usage/{stage}-{judge}")) for stage in ("judge", "bench_viescore")]
        assert sum(one.money for one in spent) == pytest.approx(each * len(lines) / 2, rel=0.1)
        assert all(one.sent == one.answered and one.waiting == 0 for one in spent)
