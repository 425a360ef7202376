"""Our settings in the words of transformers, trl and peft."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unicedit.config.d2po import Loss
from unicedit.config.launch import LaunchSettings
from unicedit.config.training import LoraSettings, TrainingSettings
from unicedit.errors import PipelineError


def precision_of(settings: TrainingSettings) -> str:
    """``bf16`` or ``fp32``, as this machine has it where the setting is ``auto``."""
    import torch

    if settings.precision != "auto":
        return settings.precision
    return "bf16" if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else "fp32"


def weights_dtype(settings: TrainingSettings, launch: LaunchSettings) -> Any:
    """In which type weights are held: fp32 where the optimizer updates them, bf16 where they are frozen or DeepSpeed keeps an fp32 copy of its own."""
    import torch

    held_elsewhere = settings.lora is not None or launch.zero is not None
    return torch.bfloat16 if precision_of(settings) == "bf16" and held_elsewhere else torch.float32


def saved_dtype(settings: TrainingSettings) -> Any:
    """In which type the trained model is saved."""
    import torch

    return torch.bfloat16 if precision_of(settings) == "bf16" else torch.float32


def parts(batch_size: int, processes: int, device_batch_size: int) -> tuple[int, int]:
    """Samples a device computes at once, and how many such parts an update has on each device. Raises ``PipelineError`` where the batch cannot be shared."""
    if batch_size % processes:
        raise PipelineError(f"batch_size {batch_size} cannot be shared by {processes} processes; make it a multiple of them")
    own = batch_size // processes
    at_once = max(size for size in range(1, min(own, device_batch_size) + 1) if own % size == 0)
    return at_once, own // at_once


def common_arguments(settings: TrainingSettings, launch: LaunchSettings, folder: Path, steps: int) -> dict[str, Any]:
    """The arguments that ``SFTConfig`` and ``DPOConfig`` share. ``folder`` takes checkpoints and trackers' files."""
    import torch

    from unicedit.training.zero import zero_config

    gpu = torch.cuda.is_available()
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    at_once, accumulated = parts(settings.batch_size, processes, launch.device_batch_size)
    os.environ["TENSORBOARD_LOGGING_DIR"] = str(folder / "tensorboard")
    os.environ["WANDB_DIR"] = str(folder)
    os.environ.setdefault("WANDB_PROJECT", launch.project)
    return {
        "output_dir": str(folder / "checkpoints"),
        "max_steps": steps,
        "per_device_train_batch_size": at_once,
        "gradient_accumulation_steps": accumulated,
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": settings.schedule,
        "warmup_steps": round(settings.warmup * steps),
        "weight_decay": settings.weight_decay,
        "max_grad_norm": settings.max_grad_norm,
        "seed": settings.seed,
        "bf16": precision_of(settings) == "bf16",
        "use_cpu": not gpu,
        "ddp_backend": "gloo" if processes > 1 and not gpu else None,
        "gradient_checkpointing": launch.gradient_checkpointing,
        "deepspeed": zero_config(launch.zero, gpu=gpu) if launch.zero else None,
        "train_sampling_strategy": "sequential",  # the rows come in the order they are trained in
        "remove_unused_columns": False,
        "dataloader_num_workers": launch.workers,
        "dataloader_persistent_workers": launch.workers > 0,
        "dataloader_pin_memory": gpu,
        "max_length": None,  # a limit would cut picture tokens
        "save_strategy": "steps",
        "save_steps": launch.checkpoint_steps,
        "save_total_limit": 1,
        "logging_steps": launch.log_steps,
        "logging_first_step": True,
        "report_to": list(launch.trackers),
        "project": launch.project,
        "run_name": folder.parent.name,
        "disable_tqdm": True,
    }


def adapters(lora: LoraSettings | None, differential: str) -> Any:
    """peft's configuration of the adapters; the residual of ``latent`` is new, so it is trained whole. None where all weights are trained."""
    if lora is None:
        return None
    from peft import LoraConfig

    return LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.target,
        modules_to_save=["differential"] if differential == "latent" else None,
    )


def losses(terms: Mapping[Loss, float]) -> dict[str, Any]:
    """Terms of the D2PO loss as trl names them; those of weight 0 are left out."""
    kept = {name: weight for name, weight in terms.items() if weight > 0}
    return {"loss_type": list(kept), "loss_weights": list(kept.values())}
