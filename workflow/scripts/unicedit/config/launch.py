"""Settings of how trainings are launched and watched. None of them decides a value, so none of them invalidates anything."""

from typing import Literal

from pydantic import Field, model_validator

from unicedit.config.section import Section

Tracker = Literal["tensorboard", "trackio", "wandb"]


class SlurmSettings(Section):
    """What Slurm is asked for, for one training."""

    partition: str | None = Field(None, description="Partition; null: the cluster's default.")
    account: str | None = Field(None, description="Account; null: yours.")
    qos: str | None = Field(None, description="Quality of service; null: the default.")
    constraint: str | None = Field(None, description="Feature that the nodes must have, as `h100`.")
    gpus_per_process: int = Field(1, ge=0, le=1, description="GPUs a process: one, or none on a cluster without.")
    cpus_per_process: int = Field(8, ge=1, description="CPU cores a process (a GPU).")
    memory_gb: int | None = Field(None, ge=1, description="Memory a node, in GB; null: the partition's default.")
    setup: list[str] = Field([], description="Shell lines that run before the training, as `module load cuda`.")
    more: dict[str, str] = Field({}, description="Further options of sbatch by name, as `reservation: team`.")


class LaunchSettings(Section):
    """Where and how trainings run. None of these settings decides the weights, up to rounding."""

    mode: Literal["in_process", "local", "slurm"] = Field(
        "in_process",
        description="`in_process` trains in the rule's own process; `local` in processes of this machine and `slurm` in a job of its own, both through "
        "submitit: they outlive the process that waits for them, which finds them again.",
    )
    nodes: int = Field(1, ge=1, le=4096, description="Nodes, for mode `slurm`.")
    processes_per_node: int = Field(1, ge=1, le=64, description="Processes a node, one a GPU, for the modes `local` and `slurm`.")
    minutes: int = Field(
        1440, ge=1, description="Time limit in minutes. A training that reaches it stores a checkpoint and is put into the queue again."
    )
    restarts: int = Field(
        20, ge=0, description="Times a training may be put into the queue again after its time limit. Preemptions do not count."
    )
    signal: Literal["USR1", "USR2", "TERM"] = Field(
        "USR2",
        description="Signal that announces preemption or the time limit: the training stores a checkpoint after the current update and is put into the "
        "queue again. NCCL may catch USR1. After TERM it always stores a checkpoint.",
    )
    signal_seconds: int = Field(
        120, ge=10, description="Seconds before the time limit at which the signal comes: an update and a checkpoint must fit in."
    )
    device_batch_size: int = Field(
        32,
        ge=1,
        description="Samples (or pairs) a device computes at once, at most; an update's batch is computed in as many parts as that needs. "
        "D2PO's `sft` term is a mean over each part's tokens.",
    )
    gradient_checkpointing: bool = Field(
        False, description="Compute activations again in the backward pass: a fifth slower, a fraction of the memory."
    )
    zero: Literal[2, 3] | None = Field(
        None,
        description="DeepSpeed ZeRO stage: 2 shares optimizer states and gradients between devices, 3 the weights too; null: plain data parallelism.",
    )
    cached_reference: bool = Field(
        True,
        description="Compute the reference's log-probabilities of all D2PO pairs once, and free the reference; false: compute them in every update.",
    )
    workers: int = Field(
        0, ge=0, le=64, description="Processes a device that prepare pictures; 0: the training process does it. Use 4 to 8 with a GPU."
    )
    keep_mb: int = Field(1024, ge=0, description="Megabytes of prepared pictures that a process keeps for the next pass; 0: none.")
    checkpoint_steps: int = Field(50, ge=1, description="Updates between checkpoints. Only the last is kept, in the scratch folder.")
    log_steps: int = Field(10, ge=1, description="Updates between two points of the loss curves.")
    trackers: list[Tracker] = Field(
        [],
        description="Services that losses and metrics go to, beside the CSV and plot that are always written. trackio and wandb must be installed.",
    )
    project: str = Field("unicedit", min_length=1, description="Project name for trackio and wandb.")
    slurm: SlurmSettings = Field(default_factory=SlurmSettings, description="For mode `slurm`.")

    @model_validator(mode="after")
    def _fits(self) -> "LaunchSettings":
        if self.nodes > 1 and self.mode != "slurm":
            raise ValueError("several nodes need mode slurm")
        if self.processes_per_node > 1 and self.mode == "in_process":
            raise ValueError("several processes need mode local or slurm")
        return self
