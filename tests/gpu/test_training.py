"""Training on a GPU: bf16, adapters, ZeRO; the 7B architecture with random weights in tokens a second, share of the peak arithmetic and memory."""

import math
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from made_training import job, samples_file
from made_verifier import CHAT, seven_billion, tiny_verifier, tokenizer
from unicedit.config.d2po import D2poSettings
from unicedit.config.sft import SftSettings
from unicedit.config.training import LoraSettings
from unicedit.training.curves import read_curves
from unicedit.training.d2po_training import d2po_trainer
from unicedit.training.job import TrainingJob
from unicedit.training.launch import launch
from unicedit.training.sft import sft_trainer
from unicedit.verifier.load import load_verifier

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")]

SHORT: dict[str, Any] = {"epochs": None, "steps": 3, "batch_size": 4, "freeze_vision": False}


@pytest.mark.parametrize("differential", ["none", "image", "latent"])
@pytest.mark.parametrize("lora", [None, LoraSettings(rank=4, alpha=8)], ids=["full", "lora"])
def test_both_trainings_in_bf16_start_where_they_should(tmp_path: Path, differential: str, lora: LoraSettings | None) -> None:
    base = tiny_verifier(tmp_path / "base")
    sft = job(base, samples_file(tmp_path / "sft.parquet", 12, "sft"), tmp_path / "sft", SftSettings(**SHORT, lora=lora), differential)
    sft.run()
    pairs = samples_file(tmp_path / "d2po.parquet", 12, "d2po")
    settings = D2poSettings(**SHORT, lora=lora, losses={"sigmoid": 1.0})
    job(sft.folder / "model", pairs, tmp_path / "d2po", settings, differential, gradient_checkpointing=True).run()
    losses = [value for _, name, value in read_curves(tmp_path / "d2po" / "curves.csv") if name == "loss"]
    assert losses[0] == pytest.approx(math.log(2), abs=0.05)  # bf16 rounds some -300 to a tenth
    assert all(map(math.isfinite, losses))
    model, _ = load_verifier(str(tmp_path / "d2po" / "model"), differential=differential)  # type: ignore[arg-type]
    assert model.dtype == torch.bfloat16


@pytest.mark.parametrize("zero", [2, 3])
def test_zero_on_one_gpu_trains_and_saves(tmp_path: Path, zero: int) -> None:
    base = tiny_verifier(tmp_path / "base")
    data = samples_file(tmp_path / "d2po.parquet", 12, "d2po")
    made = job(base, data, tmp_path / "run", D2poSettings(**SHORT, losses={"sigmoid": 1.0}), "latent", mode="local", zero=zero)
    assert launch(made, tmp_path / "job.json")["steps"] == 3
    load_verifier(str(tmp_path / "run" / "model"), differential="latent")


def saved_seven_billion(folder: Path, layers: int = 28) -> Path:
    """Qwen2.5-VL-7B's architecture with random weights in bf16, saved; the tiny model's tokenizer in a vocabulary of the real size."""
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    from unicedit.verifier.processor import WITHOUT_VIDEO

    tokens = tokenizer()
    model = seven_billion(tokens, "cuda", layers)
    model.save_pretrained(folder)
    del model
    torch.cuda.empty_cache()
    images = Qwen2VLImageProcessorPil(
        patch_size=14, merge_size=2, temporal_patch_size=2, size={"shortest_edge": 28 * 28, "longest_edge": 448 * 448}
    )
    WITHOUT_VIDEO["qwen2_5_vl"](image_processor=images, tokenizer=tokens, chat_template=CHAT).save_pretrained(folder)
    return folder


def measured(made: TrainingJob, capsys: pytest.CaptureFixture[str], what: str) -> None:
    """Train, and print tokens a second, MFU and peak memory of the updates after the first."""
    from transformers import TrainerCallback
    from trl.trainer.utils import compute_flops_per_token, compute_mfu, get_peak_flops_per_device

    class Clock(TrainerCallback):
        def __init__(self) -> None:
            self.started = 0.0
            self.before = 0

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            torch.cuda.synchronize()
            if state.global_step == 1:
                torch.cuda.reset_peak_memory_stats()
                self.started, self.before = time.perf_counter(), trainer._total_train_tokens

    clock = Clock()
    build: Any = sft_trainer if made.stage == "sft" else d2po_trainer
    trainer, _ = build(made, [clock])
    trainer.train()
    torch.cuda.synchronize()
    seconds = time.perf_counter() - clock.started
    tokens = trainer._total_train_tokens - clock.before
    length = tokens // ((trainer.state.global_step - 1) * made.settings.batch_size * (1 if made.stage == "sft" else 2))
    peak = get_peak_flops_per_device(trainer.accelerator, "bfloat16")
    # of the language model, with all weights trained: adapters need a third less, and the vision tower's work is left out
    flops = compute_flops_per_token(trainer.model.config.get_text_config(), length)
    mfu = "unknown" if peak is None else f"{compute_mfu(flops, tokens / seconds, 1, peak):.0f}%"
    with capsys.disabled():
        print(
            f"\n{what}, {torch.cuda.get_device_name(0)}: {tokens / seconds:.0f} tokens a second of sequences of {length}, "
            f"MFU {mfu}, peak memory {torch.cuda.max_memory_allocated() / 1e9:.1f} GB"
        )
    assert tokens > 0
    assert all(math.isfinite(entry["loss"]) for entry in trainer.state.log_history if "loss" in entry)


LORA = LoraSettings(rank=64, alpha=128)


@pytest.mark.parametrize(
    ("stage", "lora"), [("sft", LORA), ("d2po", LORA), ("sft", None), ("d2po", None)], ids=["sft-lora", "d2po-lora", "sft", "d2po"]
)
def test_seven_billion_parameters(tmp_path: Path, capsys: pytest.CaptureFixture[str], stage: str, lora: LoraSettings | None) -> None:
    memory = torch.cuda.get_device_properties(0).total_memory
    wanted = 60e9 if lora else 130e9  # all weights: 16 bytes a parameter and more on one GPU, so ZeRO needs several or a large one
    if memory < wanted:
        pytest.skip(f"{memory / 1e9:.0f} GB of GPU memory, {wanted / 1e9:.0f} needed")
    base = saved_seven_billion(tmp_path / "base")
    data = samples_file(tmp_path / "data.parquet", 16, stage, ((448, 448),))
    chosen: dict[str, Any] = {"epochs": None, "steps": 4, "batch_size": 4, "lora": lora, "learning_rate": 1e-5}
    settings = SftSettings(**chosen) if stage == "sft" else D2poSettings(**chosen)
    launched: dict[str, Any] = {"device_batch_size": 2, "gradient_checkpointing": True, "zero": None if lora else 2}
    measured(job(base, data, tmp_path / "run", settings, **launched), capsys, f"7B, {stage}, {'LoRA' if lora else 'all weights, ZeRO-2'}")


def test_part_of_seven_billion_with_all_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Eight of the 28 layers, all weights: fits where the whole does not."""
    if torch.cuda.get_device_properties(0).total_memory < 75e9:
        pytest.skip("less than 75 GB of GPU memory")
    base = saved_seven_billion(tmp_path / "base", layers=8)
    data = samples_file(tmp_path / "data.parquet", 16, "sft", ((448, 448),))
    settings = SftSettings(epochs=None, steps=4, batch_size=4, learning_rate=1e-5)
    measured(
        job(base, data, tmp_path / "run", settings, device_batch_size=2, gradient_checkpointing=True),
        capsys,
        "8 layers of 7B, sft, all weights",
    )
