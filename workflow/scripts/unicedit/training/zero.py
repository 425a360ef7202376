"""DeepSpeed's configuration for ZeRO stages 2 and 3."""

from typing import Any


def zero_config(stage: int, *, gpu: bool) -> dict[str, Any]:
    """The configuration. What is ``auto`` comes from the training arguments; the optimizer is transformers' own AdamW.

    Stage 3 gathers the weights when the model is saved: without that, a checkpoint would hold no usable model.
    """
    zero: dict[str, Any] = {"stage": stage, "contiguous_gradients": True, "overlap_comm": gpu, "reduce_bucket_size": "auto"}
    if stage == 3:
        zero |= {
            "stage3_prefetch_bucket_size": "auto",
            "stage3_param_persistence_threshold": "auto",
            "stage3_gather_16bit_weights_on_model_save": True,
        }
    return {
        "train_batch_size": "auto",
        "train_micro_batch_size_per_gpu": "auto",
        "gradient_accumulation_steps": "auto",
        "gradient_clipping": "auto",
        "bf16": {"enabled": "auto"},
        "fp16": {"enabled": False},
        "zero_optimization": zero,
    }


def join_processes(*, gpu: bool) -> None:
    """Make DeepSpeed know the processes of the training, which it must before it shares a model's weights among them."""
    import deepspeed  # type: ignore[import-untyped]

    deepspeed.init_distributed(dist_backend="nccl" if gpu else "gloo")
