"""The literal commands of the README, dry-run; rules look alike; wrong configuration stops before the first job."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from snakemake.profiles import ProfileConfigFileParser

from checkout import REPOSITORY, SNAKEMAKE, Checkout

pytestmark = pytest.mark.workflow

DIRECTIVES = [
    "input",
    "output",
    "log",
    "benchmark",
    "conda",
    "threads",
    "resources",
    "params",
    "message",
    "shell",
]  # in the order snakefmt puts them


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout.fresh(tmp_path_factory.mktemp("clean") / "checkout")


# rules have messages, and Snakemake then prints these in place of the rule with its resources: ask for the latter
WITH_RESOURCES = """
import sys
from snakemake import cli, logging
original = logging.DefaultFormatter.format_job_info
logging.DefaultFormatter.format_job_info = lambda self, job: original(self, {**job, "rule_msg": None})
cli.main(sys.argv[1:])
"""


def test_literal_slurm_command_plans_every_rule_on_its_partition(tmp_path: Path) -> None:
    run = Checkout.fresh(tmp_path / "checkout", trains=True)
    literal = ["--profile", "slurm", "all", "-n"]
    done = subprocess.run([*SNAKEMAKE, *literal], cwd=run.folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    done = subprocess.run([sys.executable, "-c", WITH_RESOURCES, *literal], cwd=run.folder, capture_output=True, text=True)
    profile = yaml.safe_load((REPOSITORY / "profiles/slurm/config.yaml").read_text())
    partitions: dict[str, set[str]] = {}
    rule = None
    for line in (done.stdout + done.stderr).splitlines():
        if found := re.match(r"(?:local)?rule (\w+):", line):
            rule = found.group(1)
        if (found := re.search(r"slurm_partition=([\w-]+)", line)) and rule:
            partitions.setdefault(rule, set()).add(found.group(1))
    assert partitions.pop("all"), "a local rule: it runs where Snakemake does"
    wanted = dict.fromkeys(
        (
            "ingest",
            "duplicates",
            "prefilter",
            "truth",
            "assemble",
            "card",
            "gallery",
            "table3",
            "filter_truth",
            "records",
            "table4",
            "nc_claim",
            "samples",
            "training_data",
            "table5",
            "filter_curve",
        ),
        "cpu",
    )
    wanted |= dict.fromkeys(("sft", "d2po", "evaluate", "ssim_claim"), "gpu-a")
    wanted |= {"instruct": "gpu-a", "edit": "gpu-b", "verify": "gpu-a", "bench_edit": "gpu-b", "judge": "gpu-a"}
    assert profile["executor"] == "slurm"
    assert partitions == {name: {partition} for name, partition in wanted.items()}


def settings(profile: str) -> dict[str, Any]:
    """A profile as Snakemake reads it."""
    with (REPOSITORY / f"profiles/{profile}/config.yaml").open() as stream:
        return dict(ProfileConfigFileParser().parse(stream))


def test_conda_profile_is_the_slurm_profile_with_conda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    conda = settings("slurm-conda")
    assert conda.pop("software-deployment-method") == "conda"
    assert conda == settings("slurm") and conda["executor"] == "slurm"


def test_profile_gives_every_rule_that_is_no_small_table_its_own_resources() -> None:
    profile = yaml.safe_load((REPOSITORY / "profiles/slurm/config.yaml").read_text())
    rules = {
        name for path in (REPOSITORY / "workflow/rules").glob("*.smk") for name in re.findall(r"^rule (\w+):", path.read_text(), flags=re.M)
    }
    assert set(profile["set-resources"]) <= rules, "a rule that is none would be asked nothing for, silently"
    assert "attempt" in profile["default-resources"]["mem_mb"] and "attempt" in profile["default-resources"]["runtime"]
    mapped = {path.stem for path in (REPOSITORY / "workflow/rules").glob("*.smk") if "mapped=True" in path.read_text()}
    assert mapped <= set(profile["set-resources"])
    # three times the first interval must fit into MinJobAge, 300 s by default, or the plugin asks sacct
    assert 3 * profile["slurm-init-seconds-before-status-checks"] <= 300


def test_default_profile_holds_only_what_is_true_everywhere() -> None:
    shared = yaml.safe_load((REPOSITORY / "profiles/default/config.yaml").read_text())
    assert set(shared) == {"rerun-triggers", "rerun-incomplete"}
    assert "code" not in shared["rerun-triggers"]


@pytest.mark.parametrize("path", sorted((REPOSITORY / "workflow/rules").glob("*.smk")), ids=lambda path: path.stem)
def test_every_rule_has_the_same_directives_in_the_same_order(path: Path) -> None:
    text = path.read_text()
    rules = re.split(r"^rule ", text, flags=re.M)[1:]
    if path.stem == "common":
        assert not rules
        return
    assert rules[0].startswith(f"{path.stem}:"), "rule, file and command have one name"
    assert (REPOSITORY / f"workflow/scripts/{path.stem}.py").exists()
    for number, rule in enumerate(rules):
        found = [name for name in re.findall(r"^    (\w+):", rule, flags=re.M) if name != "wildcard_constraints"]
        assert found == DIRECTIVES, rule.split(":")[0]
        params = re.search(r"    params:\n(.*?)\n    message:", rule, flags=re.S)
        named = set(re.findall(r"(\w+)=", params.group(1))) if params else set()
        # helpers of a file's first rule may have nothing to set
        assert named >= ({"code"} if number else {"code", "settings"}), rule.split(":")[0]


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ("verify: {treshold: 1}\n", "config: verify.treshold: unknown key"),
        ("library: {kind: files, path: nowhere}\n", "config: library.path = 'nowhere': no such file or folder"),
        ("instruct: {taxonomy: missing.yaml}\n", "config: instruct.taxonomy = 'missing.yaml': no such file"),
        (
            "instruct: {taxonomy: config/config.yaml}\n",
            "config: instruct.taxonomy = 'config/config.yaml': is no taxonomy, config/taxonomy.yaml is one",
        ),
        ("paths: {results: docs}\n", "config: paths.results = 'docs': holds architecture.md"),
        ("paths: {results: Makefile/results}\n", "config: paths.results = 'Makefile/results': Makefile is no folder"),
        ("instruct: {shares: {Object Levitation: 2}}\n", "config: instruct.shares.Object Levitation: no such sub-task"),
    ],
)
def test_wrong_setting_stops_before_the_first_job_with_one_line(clean: Checkout, tmp_path: Path, config: str, line: str) -> None:
    overlay = tmp_path / "wrong.yaml"
    overlay.write_text(config)
    done = clean.snakemake("--configfile", str(overlay), "--", "all", check=False)
    assert done.returncode != 0
    said = [one for one in (done.stdout + done.stderr).splitlines() if one.strip()]
    assert [one for one in said if one.startswith("config: ")] == [next(one for one in said if line in one)]
    assert "Traceback" not in done.stdout + done.stderr
    assert not clean.path("results").exists()


def test_folder_without_pictures_is_named(clean: Checkout, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    overlay = tmp_path / "empty.yaml"
    overlay.write_text(f"library: {{kind: files, path: {tmp_path / 'empty'}}}\npaths: {{results: {tmp_path / 'results'}}}\n")
    done = clean.snakemake("--configfile", str(overlay), "--", "all", check=False)
    assert done.returncode != 0
    assert "holds no picture" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (None, "no such configuration file"),
        ("- library\n", "holds a list and no settings; `key: value` lines are allowed, as config/config.yaml has them"),
        ("paths: {results: scratch}\n", None),
    ],
)
@pytest.mark.parametrize("dry", [[], ["-n"]])
def test_configuration_file_that_cannot_be_used_is_named_in_one_line(
    clean: Checkout, tmp_path: Path, content: str | None, line: str | None, dry: list[str]
) -> None:
    overlay = tmp_path / "mine.yaml"
    if content is not None:
        overlay.write_text(content)
    command = [*SNAKEMAKE, "--configfile", str(overlay), "--profile", "profiles/local", *dry, "all"]
    done = clean.command("run", "--", *command, check=False)
    assert done.returncode == 1
    # what Snakemake says of the profile it uses stands before it in a dry run
    (said,) = [one for one in (done.stdout + done.stderr).splitlines() if one.startswith(("error: ", "config: "))]
    assert "Traceback" not in done.stdout + done.stderr
    wanted = f"error: {overlay}: {line}" if line else "config: paths = \"{'results': 'scratch'"
    assert wanted in said
