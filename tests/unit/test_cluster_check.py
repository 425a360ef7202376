"""`make slurm-check`: what a cluster says of itself against a profile, each fault with its remedy (issue 6)."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from checkout import REPOSITORY
from made_slurm import NODES_22, PARTITIONS_22, QUALITIES, Slurm, slurm_on_path
from unicedit.cluster.account import Association, parse_associations
from unicedit.cluster.asked import asked, read_profile, rules_in, trainings_asked, worked_out
from unicedit.cluster.folders import file_system, looked_at
from unicedit.cluster.partition import Node, fitting, parse_partitions
from unicedit.cluster.qos import Qos, parse_qos
from unicedit.cluster.slurm import SlurmError, ask, megabytes, minutes
from unicedit.config.launch import LaunchSettings
from unicedit.errors import PipelineError

# a cluster of 24.11, whose partitions have more fields and whose nodes name GPU models and states of saving power
PARTITIONS_24 = """\
PartitionName=main AllowGroups=ALL DenyAccounts=student AllowQos=ALL AllocNodes=ALL Default=NO QoS=N/A DefaultTime=01:00:00 DisableRootJobs=NO \
ExclusiveUser=NO ExclusiveTopo=NO GraceTime=0 Hidden=NO MaxNodes=4 MaxTime=12:00:00 MinNodes=0 LLN=NO MaxCPUsPerNode=UNLIMITED MaxCPUsPerSocket=UNLIMITED \
Nodes=c[1-2] PreemptMode=OFF State=UP MaxMemPerNode=UNLIMITED TRES=cpu=256,mem=1T,node=2,billing=256 TRESBillingWeights=CPU=1.0
PartitionName=accel Default=NO MaxNodes=2 MaxTime=30:00 Nodes=g[1-3] PreemptMode=REQUEUE State=DRAIN MaxMemPerNode=UNLIMITED
"""
NODES_24 = """\
main|c1|515000|128|powered_down~|(null)
main|c2|515000|128|idle*|(null)
accel|g1|1031000|64|mixed|gpu:h100:4(S:0-1),nvme:1
accel|g2|1031000|64|draining|gpu:a100:2,gpu:h100:2(IDX:0-1)
accel|g3|1031000|64|down$|gpu:8
"""
RULES = {"ingest": (1, {"mem_mb": 2000, "runtime": 60}), "edit": (4, {"mem_mb": 4000, "runtime": 480})}


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slurm:
    return slurm_on_path(tmp_path / "slurm", monkeypatch)


def profile_of(folder: Path, **settings: Any) -> Path:
    made = {
        "executor": "slurm",
        "jobs": 50,
        "retries": 2,
        "slurm-status-command": "squeue",
        "default-resources": {"slurm_partition": "cpu", "slurm_account": "lab", "mem_mb": 4000, "runtime": 60},
        "set-resources": {"edit": {"slurm_partition": "gpu-b", "gpu": 1}},
        **settings,
    }
    folder.mkdir(exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(made))
    return folder


def check(profile: Path, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "workflow/scripts/slurm_check.py", "--profile", str(profile), *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("2-00:00:00", 2880), ("1-12", 2160), ("12:00:00", 720), ("30:00", 30), ("90", 90), ("UNLIMITED", None), ("infinite", None)],
)
def test_times_of_slurm(text: str, wanted: float | None) -> None:
    assert minutes(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"), [("62.50G", 64000), ("4000M", 4000), ("2048K", 2), ("1T", 1048576), ("64000", 64000), ("", None)]
)
def test_sizes_of_slurm(text: str, wanted: float | None) -> None:
    assert megabytes(text) == wanted


def test_partitions_of_two_releases() -> None:
    cpu, _, gpu_b, scav = parse_partitions(PARTITIONS_22, NODES_22)
    assert (cpu.name, cpu.default, cpu.minutes, cpu.gpus, cpu.most_memory_mb) == ("cpu", True, 2880, 0, 64000)
    assert (gpu_b.accounts, gpu_b.minutes, gpu_b.gpus, gpu_b.most_memory_mb) == (("lab", "other"), 1440, 2, 48000)
    assert (scav.preemptible, scav.minutes, len(scav.nodes)) == (True, None, 2)
    main, accel = parse_partitions(PARTITIONS_24, NODES_24)
    assert (main.minutes, main.max_nodes, main.accounts, main.default) == (720, 4, (), False)
    assert [node.usable for node in main.nodes] == [True, False]
    assert [(node.gpus, node.usable) for node in accel.nodes] == [(4, True), (4, False), (8, False)]
    assert (accel.up, accel.minutes) == (False, 30)


def test_the_smallest_partition_that_fits_comes_first_and_preemptible_ones_last() -> None:
    found = parse_partitions(PARTITIONS_22, NODES_22)
    assert [one.name for one in fitting(found, gpus=1, minutes=2000, memory_mb=50000)] == ["gpu-a", "scav"]
    assert [one.name for one in fitting(found, gpus=0, minutes=60, memory_mb=1000)] == ["cpu", "gpu-a", "gpu-b", "scav"]
    assert fitting(found, gpus=0, minutes=60, memory_mb=65000) == []


def test_what_rules_ask_comes_from_rule_files_under_the_profile() -> None:
    profile = {
        "default-resources": ["slurm_partition=cpu", "mem_mb=1000"],
        "set-resources": {
            "edit": {"slurm_partition": "gpu-b", "mem_mb": "min(8000 * attempt, 20000)", "runtime": "8h", "gres": "gpu:a100:2"}
        },
        "set-threads": {"edit": 16},
    }
    first, third = asked(RULES, profile), asked(RULES, profile, attempt=3)
    assert (first["ingest"].partition, first["ingest"].memory_mb, first["ingest"].gpus) == ("cpu", 2000, 0)
    edit = first["edit"]
    assert (edit.partition, edit.memory_mb, edit.minutes, edit.gpus, edit.cpus) == ("gpu-b", 8000, 480, 2, 16)
    assert third["edit"].memory_mb == 20000
    assert asked(RULES, {"set-resources": {"edit": {"mem_mb": "2 * input.size_mb"}}})["edit"].memory_mb is None
    with pytest.raises(PipelineError, match="no rule edt"):
        asked(RULES, {"set-resources": {"edt": {"gpu": 1}}})


def test_a_name_is_no_expression() -> None:
    assert [worked_out(text, 2, 1) for text in ("gpu-a", "max", "2 * attempt", "big if attempt > 1 else small", 5)] == [
        "gpu-a",
        "max",
        4,
        "big if attempt > 1 else small",
        5,
    ]


def test_every_rule_of_the_workflow_is_read_and_asks_for_memory_and_time() -> None:
    rules = rules_in(REPOSITORY / "workflow/rules")
    text = "\n".join(path.read_text() for path in (REPOSITORY / "workflow/rules").glob("*.smk"))
    assert len(rules) == sum(line.startswith("rule ") for line in text.splitlines())
    for one in asked(rules, read_profile(REPOSITORY / "profiles/slurm")).values():
        assert one.partition and one.memory_mb and one.minutes and one.cpus >= 1, one


def test_a_profile_that_reads_another_asks_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    rules, profiles = rules_in(Path("workflow/rules")), [read_profile(Path("profiles") / name) for name in ("slurm", "slurm-conda")]
    assert asked(rules, profiles[1], 2) == asked(rules, profiles[0], 2)
    assert profiles[1]["software-deployment-method"] == "conda"


def test_trainings_ask_by_the_launch_settings() -> None:
    settings = LaunchSettings.model_validate(
        {"mode": "slurm", "nodes": 2, "processes_per_node": 4, "minutes": 600, "slurm": {"partition": "gpu-a", "memory_gb": 100}}
    )
    (one,) = trainings_asked(settings)
    assert (one.partition, one.nodes, one.gpus, one.cpus, one.minutes, one.memory_mb) == ("gpu-a", 2, 4, 32, 600, 102400)
    assert trainings_asked(LaunchSettings.model_validate({})) == []


def test_associations_with_limits() -> None:
    assert parse_associations("lab|gpu-a|normal,short|short|500\nroot||normal|||\nroot||normal||\n") == [
        Association("lab", "gpu-a", 500, ("normal", "short"), "short"),
        Association("root", "", None, ("normal",), "normal"),
    ]


def test_qualities_of_service() -> None:
    normal, short, gpus = parse_qos(QUALITIES)
    assert normal == Qos("normal", False, None, None, ({}, {}, {}))
    assert short == Qos("short", True, 120, 30, ({"cpu": 8, "gres/gpu": 1, "mem": 16384}, {"gres/gpu": 2}, {"cpu": 100}))
    assert (gpus.minutes, gpus.most) == (1440, ({}, {}, {"gres/gpu": 1}))


def test_what_a_qos_does_not_give_fails(slurm: Slurm, tmp_path: Path) -> None:
    own = {"edit": {"slurm_partition": "gpu-b", "gpu": 2, "qos": "short", "runtime": 200}, "verify": {"qos": "long"}}
    profile = profile_of(tmp_path / "profile", **{"set-resources": own})
    status, said = check(profile)
    assert (status, "ends jobs after 120 min" in said) == (1, False), "this cluster does not enforce limits"
    assert "error   qos long is not open to account lab (verify)\n        → it may use normal, short" in said
    slurm.configured(enforce="associations,limits,qos")
    said = check(profile)[1]
    assert "qos short ends jobs after 120 min, but more is asked: edit (200 min); sbatch refuses such jobs" in said
    assert "qos short gives a job 1 GPUs, but one job asks more: edit (2)" in said
    assert "jobs: 50 in the profile, but qos short lets you have 30 in the queue" in said


def test_the_qos_of_a_partition_comes_before_the_jobs_own(slurm: Slurm, tmp_path: Path) -> None:
    slurm.configured(enforce="limits")
    slurm.says("scontrol", "show partition", PARTITIONS_22.replace("QoS=N/A", "QoS=of-gpus"))
    own = {"edit": {"slurm_partition": "gpu-b", "gpu": 2, "qos": "short", "runtime": 1440}, "ingest": {"qos": "short", "runtime": 100}}
    status, said = check(profile_of(tmp_path / "profile", jobs=30, **{"set-resources": own}))
    assert status == 1
    assert "qos of-gpus gives all together 1 GPUs, but one job asks more: edit (2); such jobs wait in the queue for ever" in said
    assert "ends jobs after" not in said, "the partition's QOS allows a day"


def test_a_profile_that_fits_is_said_to(slurm: Slurm, tmp_path: Path) -> None:
    status, said = check(profile_of(tmp_path / "profile"))
    assert status == 0, said
    assert "partition gpu-b: 1 of 1 nodes up, 48,000 MB, 2 CPUs, 2 GPUs a node, 1,440 min; takes edit" in said
    assert "ok      account lab" in said
    assert "squeue knows an ended job for 300 s (MinJobAge)" in said
    assert "error " not in said


def test_a_partition_that_is_not_there_fails_with_what_to_write(slurm: Slurm, tmp_path: Path) -> None:
    profile = profile_of(tmp_path / "profile", **{"set-resources": {"edit": {"slurm_partition": "a100", "gpu": 2}}})
    status, said = check(profile)
    assert status == 1
    assert (
        "error   partition a100 does not exist (for edit)\n        → slurm_partition in the profile; there are cpu, gpu-a, gpu-b, scav"
        in said
    )
    assert "  edit:\n    slurm_partition: gpu-a\n    gpu: 2" in said


def test_what_a_partition_cannot_give_fails(slurm: Slurm, tmp_path: Path) -> None:
    own = {
        "edit": {"slurm_partition": "gpu-b", "gpu": 4},
        "verify": {"slurm_partition": "gpu-b", "runtime": 2000, "gpu": 1},
        "card": {"mem_mb": 70000},
        "ingest": {"cpus_per_task": 3},
    }
    status, said = check(profile_of(tmp_path / "profile", **{"set-resources": own}))
    assert status == 1
    assert "gpu-b has 2 GPUs a node, but more is asked: edit (4)" in said
    assert "gpu-b ends jobs after 1,440 min, but more is asked: verify (2,000 min); such jobs wait in the queue for ever" in said
    assert "cpu has 64,000 MB a node, but more is asked: card (70,000 MB)" in said
    assert "cpu has 2 CPUs a node, but more is asked: ingest (3)" in said
    assert "  verify:\n    slurm_partition: gpu-a\n    gpu: 1\n" in said
    assert "  card:\n    mem_mb: 64000\n  edit:\n    slurm_partition: gpu-b\n    gpu: 2\n" in said
    slurm.configured(limits="ALL")
    assert "verify (2,000 min); sbatch refuses such jobs" in check(tmp_path / "profile")[1]


def test_what_only_a_later_attempt_asks_too_much_of_is_a_warning(slurm: Slurm, tmp_path: Path) -> None:
    profile = profile_of(tmp_path / "profile", **{"set-resources": {"edit": {"slurm_partition": "gpu-b", "mem_mb": "20000 * attempt"}}})
    status, said = check(profile)
    assert status == 0, said
    assert "warning partition gpu-b has 48,000 MB a node, but more is asked at attempt 3: edit (60,000 MB)" in said


def test_a_partition_without_a_node_that_takes_jobs_fails(slurm: Slurm, tmp_path: Path) -> None:
    slurm.says("sinfo", "--Node", NODES_22.replace("gpu-b|n2|64000|2|mixed", "gpu-b|n2|64000|2|drained"))
    status, said = check(profile_of(tmp_path / "profile"))
    assert status == 1
    assert "partition gpu-b has 1 nodes, none of which takes jobs (for edit)" in said


@pytest.mark.parametrize(
    ("cluster", "settings", "level", "words"),
    [
        ({"age": 100, "accounting": "none"}, {}, "error", "asks sacct how jobs ended (MinJobAge is 100 s"),
        ({"age": 100}, {}, "warning", "a cancelled job in words it does not know"),
        ({"age": 150}, {}, "error", "MinJobAge is 150 s, but the executor pauses up to 180 s"),
        ({"age": 300, "accounting": "none"}, {"slurm-status-command": "sacct"}, "error", "the profile says sacct"),
        ({"age": 300}, {"slurm-status-command": "sacct"}, "warning", "it waits for that job for ever"),
        ({}, {"slurm-init-seconds-before-status-checks": 120, "slurm-status-command": "squeue"}, "warning", "cancelled job"),
    ],
)
def test_how_states_are_asked_for(
    slurm: Slurm, tmp_path: Path, cluster: dict[str, Any], settings: dict[str, Any], level: str, words: str
) -> None:
    slurm.configured(**cluster)
    settings = {**settings, "default-resources": {"slurm_partition": "cpu"}} if cluster.get("accounting") == "none" else settings
    status, said = check(profile_of(tmp_path / "profile", **settings))
    line = next((row for row in said.splitlines() if words in row), said)
    assert line.startswith(level), said
    assert status == (level == "error")


def test_without_sacct_squeue_is_asked_whatever_the_age(slurm: Slurm, tmp_path: Path) -> None:
    slurm.lacks("sacct")
    slurm.configured(age=100)
    status, said = check(profile_of(tmp_path / "profile"))
    assert status == 1
    assert "MinJobAge is 100 s, but the executor pauses up to 180 s" in said


def test_accounts(slurm: Slurm, tmp_path: Path) -> None:
    slurm.says("sacctmgr", "associations", "lab||normal||20\nbio||normal||\n")
    profile = profile_of(tmp_path / "profile", **{"default-resources": {"slurm_partition": "cpu", "slurm_account": "physics"}})
    status, said = check(profile)
    assert status == 1
    assert "error   account physics is not yours\n        → slurm_account: bio, lab" in said
    assert "partition gpu-b does not take account physics (edit)" in said
    profile_of(tmp_path / "profile", **{"default-resources": {"slurm_partition": "cpu"}})
    status, said = check(profile)
    assert "the profile names no account, so the executor guesses one; you have bio, lab" in said
    assert "error   jobs: 50 in the profile, but you may have 20 in the queue" in said
    slurm.says("sacctmgr", "associations", "")
    slurm.configured(enforce="associations,limits")
    status, said = check(profile)
    assert (status, "error   you have no account on this cluster" in said) == (1, True)
    slurm.says("sacctmgr", "associations", "sacctmgr: error: slurmdbd: Connection refused\n", 1)
    assert "warning accounts are not known: sacctmgr" in check(profile)[1]


def test_a_machine_without_slurm_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = slurm_on_path(tmp_path / "slurm", monkeypatch)
    made.lacks("scontrol")
    status, said = check(profile_of(tmp_path / "profile"))
    assert status == 1
    assert said == "error: scontrol: not found; run this on a machine with Slurm's commands, usually a login node\n"


def test_a_controller_that_is_silent_or_complains_is_one_line(slurm: Slurm, tmp_path: Path) -> None:
    slurm.says("scontrol", "show config", "slurm_load_ctl_conf error: Unable to contact slurm controller (connect failure)\n", 1)
    status, said = check(profile_of(tmp_path / "profile"))
    assert (status, "Traceback" in said, "Unable to contact slurm controller" in said) == (1, False, True)
    (slurm.bin / "sinfo").write_text("#!/bin/sh\nexec sleep 5\n")
    with pytest.raises(SlurmError, match=r"no answer within 0 s; is the controller up"):
        ask("sinfo", timeout=0.2)


def test_the_profile_must_be_one_for_slurm(slurm: Slurm, tmp_path: Path) -> None:
    status, said = check(profile_of(tmp_path / "profile", executor="local"))
    assert (status, "executor is 'local': everything would run here" in said) == (1, True)
    assert check(tmp_path / "nowhere")[1].startswith("error: ")


def test_a_probe_tells_what_the_node_sees(slurm: Slurm, tmp_path: Path) -> None:
    (slurm.bin / "srun").write_text('#!/bin/sh\nwhile [ "$1" != sh ]; do shift; done\nexec "$@"\n')
    status, said = check(profile_of(tmp_path / "profile"), "--probe")
    assert status == 0, said
    assert "sees the working folder, writes into it, and starts this Python" in said
    (slurm.bin / "srun").write_text("#!/bin/sh\nexit 0\n")
    status, said = check(tmp_path / "profile", "--probe")
    assert (status, f"its node does not see {REPOSITORY}" in said) == (1, True)
    (slurm.bin / "srun").write_text("#!/bin/sh\necho 'srun: error: Unable to allocate resources' >&2\nexit 1\n")
    status, said = check(tmp_path / "profile", "--probe")
    assert (status, "no node could be asked" in said) == (0, True)
    assert not list(REPOSITORY.glob(".slurm-check-*"))


def test_kinds_of_file_systems_that_nodes_do_not_share(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Mount:
        def __init__(self, mountpoint: str, fstype: str) -> None:
            self.mountpoint, self.fstype = mountpoint, fstype

    mounts = [Mount("/", "ext4"), Mount(str(tmp_path), "nfs4"), Mount(str(tmp_path / "local"), "xfs")]
    monkeypatch.setattr("psutil.disk_partitions", lambda all: mounts)
    assert [file_system(tmp_path / name) for name in ("results", "local/scratch")] == ["nfs4", "xfs"]
    assert file_system(Path("/usr")) == "ext4"
    levels = [one.level for one in looked_at({"results": tmp_path, "scratch": tmp_path / "local"})]
    assert levels == ["ok", "warning"]


def test_nodes_that_sleep_are_woken_and_those_that_do_not_answer_are_not_counted() -> None:
    states = ("idle", "mixed", "allocated", "powered_down", "powering_up#", "idle*", "draining", "down", "maint", "unknown")
    assert [Node("n", 1, 1, 0, state).usable for state in states] == [True] * 5 + [False] * 5
