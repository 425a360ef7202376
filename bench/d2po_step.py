"""D2PO's update against plain trl DPO on the same model and pairs (issue 4: at most 1.15 times), and the peak memory of a cached against a live reference.

Times: the shipped base model where it is at hand, else a tiny one with random weights; forward, backward and AdamW on the same batch in turns, collating not
counted; plain DPO computes its reference in every update, as trl must with pictures. Memory: a model of some 60 million random weights, each way in a process
of its own. On the GPU where there is one.
"""

import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from targets import Targets

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "workflow" / "scripts")]
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
os.environ.setdefault("OMP_NUM_THREADS", "1")

SHIPPED = ROOT / "models" / "tiny-base"
PAIRS = 8
SETTINGS: dict[str, Any] = {
    "epochs": None,
    "steps": 2,
    "batch_size": PAIRS,
    "losses": {"sigmoid": 1.0},
    "beta": 0.1,
    "freeze_vision": False,
}


def ours(base: Path, data: Path, folder: Path, *, cached: bool) -> Any:
    """Our trainer, ready."""
    from made_training import job
    from unicedit.config.d2po import D2poSettings
    from unicedit.training.d2po_training import d2po_trainer

    trainer, _ = d2po_trainer(job(base, data, folder, D2poSettings(**SETTINGS), "none", cached_reference=cached))
    return trainer


def plain(base: Path, rows: list[dict[str, Any]], folder: Path) -> Any:
    """trl's own trainer on the same rows, with its own collator."""
    import torch
    from datasets import Dataset
    from PIL import Image
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.dpo_trainer import DPOTrainer

    from unicedit.verifier.load import load_verifier

    model, processor = load_verifier(str(base), differential="none", dtype=torch.float32)
    reference, _ = load_verifier(str(base), differential="none", dtype=torch.float32)
    gpu = torch.cuda.is_available()
    arguments = DPOConfig(
        output_dir=str(folder), beta=0.1, max_length=None, use_cpu=not gpu, bf16=gpu, gradient_checkpointing=False, report_to=[], disable_tqdm=True
    )  # fmt: skip
    shown = [{**row, "images": [Image.open(io.BytesIO(image)) for image in row["images"]]} for row in rows]
    table = Dataset.from_list([{name: row[name] for name in ("images", "prompt", "chosen", "rejected")} for row in shown])
    return DPOTrainer(model, reference, args=arguments, train_dataset=table, processing_class=processor)


def updater(trainer: Any) -> Any:
    """A function that makes one update on the trainer's first rows."""
    trainer.create_optimizer()
    batch = trainer._prepare_inputs(trainer.data_collator([trainer.train_dataset[number] for number in range(PAIRS)]))
    trainer.model.train()

    def update() -> float:
        started = time.perf_counter()
        loss = trainer.compute_loss(trainer.model, dict(batch))
        loss.backward()
        trainer.optimizer.step()
        trainer.optimizer.zero_grad()
        float(loss.detach())
        return time.perf_counter() - started

    return update


def times(folder: Path, repeats: int) -> tuple[float, float, float]:
    """Seconds of an update: plain DPO, D2PO with a live reference, D2PO with a cached one; the fastest of ``repeats``, taken in turns."""
    import torch

    from made_training import samples_file
    from made_verifier import tiny_verifier
    from unicedit.verifier import cpu_speed

    if not torch.cuda.is_available():
        cpu_speed.enable()  # for both: what is compared is the training
    base = SHIPPED if (SHIPPED / "config.json").exists() else tiny_verifier(folder / "base")
    data = samples_file(folder / "d2po.parquet", 4 * PAIRS, "d2po", ((168, 168),))
    cached = ours(base, data, folder / "cached", cached=True)
    live = ours(base, data, folder / "live", cached=False)
    stock = plain(base, [live.train_dataset[number] for number in range(PAIRS)], folder / "stock")
    updates = [updater(trainer) for trainer in (stock, live, cached)]
    for update in updates:
        update()
    rounds = [[update() for update in updates] for _ in range(repeats)]
    first, second, third = (min(column) for column in zip(*rounds, strict=True))
    return first, second, third


def peak(folder: Path, cached: bool) -> None:
    """Print the peak memory in bytes of two updates, as JSON: run in a process of its own."""
    import torch

    from made_training import samples_file

    data = samples_file(folder / "d2po.parquet", 2 * PAIRS, "d2po", ((56, 56),))
    trainer = ours(folder / "base", data, folder / f"cached-{cached}", cached=cached)
    # what training takes, not what computing the reference took: a resumed training reads it from its file
    if cached:
        trainer = None
        trainer = ours(folder / "base", data, folder / f"cached-{cached}", cached=True)
    trainer.train()
    gpu = torch.cuda.is_available()
    print(json.dumps(torch.cuda.max_memory_allocated() if gpu else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024))


def memory(folder: Path) -> tuple[int, int, int]:
    """Peak bytes of an update with a live and with a cached reference, and the bytes of the model's weights."""
    import torch
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    from made_verifier import configuration, tiny_verifier, tokenizer

    base = tiny_verifier(folder / "base")
    small = configuration(tokenizer(), "qwen2_5_vl").to_dict()
    wide = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 6, "num_attention_heads": 48, "num_key_value_heads": 24}
    small["text_config"] = {**small["text_config"], **wide, "layer_types": None}
    small["vision_config"]["out_hidden_size"] = 768
    model = Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(**small)).to(torch.float32)
    model.save_pretrained(base)
    size = sum(parameter.nbytes for parameter in model.parameters())
    del model
    found = []
    for cached in ("live", "cached"):
        command = [sys.executable, __file__, "peak", str(folder), cached]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(command)}:\n{done.stderr[-3000:]}")
        found.append(int(json.loads(done.stdout.splitlines()[-1])))
    return found[0], found[1], size


def main(repeats: int = 5) -> None:
    """Print ratios and megabytes; leaves with 1 when a target is missed."""
    if sys.argv[1:2] == ["peak"]:
        peak(Path(sys.argv[2]), sys.argv[3] == "cached")
        return
    targets = Targets()
    with tempfile.TemporaryDirectory() as folder:
        stock, live, cached = times(Path(folder), repeats)
        print(
            f"an update of {PAIRS} pairs: plain trl DPO {stock:.3f} s, D2PO {live:.3f} s with a live reference, {cached:.3f} s with a cached one"
        )
        targets.show("D2PO with a live reference / plain trl DPO", live / stock, at_most=1.15)
        targets.show("D2PO with a cached reference / plain trl DPO", cached / stock, at_most=1.15)
    with tempfile.TemporaryDirectory() as folder:
        kept, freed, size = memory(Path(folder))
        print(
            f"peak memory: {kept / 1e6:.0f} MB with a live reference, {freed / 1e6:.0f} MB with a cached one; the weights are {size / 1e6:.0f} MB"
        )
        targets.show("memory saved by the cached reference / weights of the reference", (kept - freed) / size, at_least=0.5)
    targets.end()


if __name__ == "__main__":
    main()
