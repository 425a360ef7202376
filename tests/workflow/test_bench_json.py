"""ImgEdit-Bench and KRIS-Bench through the workflow: small clones in their published schemas, finished pictures, a judge, and their tables."""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from checkout import Checkout
from made_benchmarks import imgedit_samples, kris_samples, write_imgedit, write_kris
from openai_server import MODEL, asked, served

pytestmark = pytest.mark.workflow

CONFIG = """
world: {{images: 6}}
benchmark:
  source: mapped
  path: {name}
  mapping: config/benchmarks/{name}.yaml
  models:
    - {{name: finished, engine: images, images: {{folder: edits}}}}
  judges:
    - {{name: server, engine: openai, openai: {{model: {model}, base_url: '{url}'}}}}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout.fresh(tmp_path_factory.mktemp("checkout"))


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with served(tmp_path / "log") as found:
        yield found


def made(run: Checkout, name: str, url: str, keys: list[str]) -> dict[tuple[str, str], dict[str, str]]:
    """The figures of a benchmark whose edits of ``keys`` are there."""
    run.path("test.yaml").write_text(CONFIG.format(name=name, model=MODEL, url=url))
    run.path("edits").mkdir(exist_ok=True)
    for number, key in enumerate(keys):
        Image.new("RGB", (24, 16), (0, number, 99)).save(run.path(f"edits/{key}.png"))
    run.snakemake("bench_groups")
    assert {path.stem for path in run.path("results/bench_viescore").glob("*.parquet")} == {"server@finished-en"}, "in English alone"
    with run.path("results/tables/bench_groups.csv").open() as stream:
        return {(line["row"], line["metric"]): line for line in csv.DictReader(stream)}


def test_imgedit_is_judged_by_its_kinds(run: Checkout, url: str, tmp_path: Path) -> None:
    samples = imgedit_samples()
    write_imgedit(run.path("imgedit"), samples)
    figures = made(run, "imgedit", url, list(samples)[1:])
    judged = Counter(request["schema"] for request in asked(tmp_path / "log"))
    assert judged.pop("ImgeditAddReply") == 1 and set(judged.values()) == {1} and len(judged) == 8, "one question an edit that is there"
    average = figures["finished, en, all, average", "Average"]
    assert (average["n"], average["expected"]) == ("9", "10") and 1 <= float(average["value"]) <= 5
    kinds = [float(line["value"]) for (row, metric), line in figures.items() if metric == "Average" and row != "finished, en, all, average"]
    assert len(kinds) == 9 and float(average["value"]) == pytest.approx(sum(kinds) / 9, abs=1e-5), "kinds count alike"
    assert "# ImgEdit-Bench" in run.path("results/tables/bench_groups.md").read_text()


def test_kris_is_judged_by_its_dimensions(run: Checkout, url: str, tmp_path: Path) -> None:
    samples = kris_samples()
    write_kris(run.path("kris"), samples)
    keys = [f"{folder}-{number}" for folder, own in samples.items() for number in own]
    figures = made(run, "kris", url, keys[1:])
    judged = Counter((request["schema"], request["pictures"]) for request in asked(tmp_path / "log"))
    assert judged == {
        ("KrisQualityReply", 1): 6,
        ("KrisConsistencyReply", 2): 4,
        ("KrisConsistencyReply", 4): 1,  # a sequence of three, and the edit
        ("KrisConsistencyReply", 3): 1,  # two pictures put together, and the edit
        ("KrisKnowledgeReply", 2): 2,
        ("KrisInstructionReply", 2): 1,
        ("KrisInstructionReply", 3): 2,  # with the picture of a right result; two pictures put together
        ("KrisInstructionReply", 4): 1,
    }
    average = figures["finished, en, all, average", "Average"]
    assert (average["n"], average["expected"]) == ("6", "7") and 0 <= float(average["value"]) <= 100
    assert float(figures["finished, en, all, average", "Average, missing as 0"]["value"]) == pytest.approx(
        float(average["value"]) * 6 / 7, abs=1e-4
    )
    knowledge = figures["finished, en, all, Procedural Knowledge", "KP"]
    assert (knowledge["n"], knowledge["expected"]) == ("1", "1") and ("finished, en, all, Factual Knowledge", "KP") not in figures
    page = run.path("results/tables/bench_groups.md").read_text()
    assert "2 samples have several source pictures" in page and "Average: Spatial Perception" in page
