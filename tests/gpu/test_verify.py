"""Verification on a GPU: the same replies as on the CPU, and the 7B architecture with random weights in tokens a second and memory."""

import time
from pathlib import Path
from typing import Any

import pytest
import torch

from made_verifier import CHAT, seven_billion, tiny_verifier, tokenizer
from small_tables import picture, png
from unicedit.config.verify import TransformersSettings
from unicedit.verifier.load import load_processor, load_verifier
from unicedit.verifier.reader import Pair, Reader
from unicedit.verify.trained import TrainedVerifier

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")]


def pairs(count: int, size: tuple[int, int] = (56, 56)) -> list[Pair]:
    return [
        Pair(str(number), png(picture(number, size)), png(picture(number + 1, size)), ("Make it blue. " * (number % 3 + 1), "变蓝"))
        for number in range(count)
    ]


@pytest.mark.parametrize("mode", ["none", "image", "latent"])
def test_gpu_and_cpu_read_the_same(tmp_path: Path, mode: Any) -> None:
    stock = tiny_verifier(tmp_path / "stock")
    texts, scores = [], []
    for device in ("cpu", "cuda"):
        model, processor = load_verifier(str(stock), differential=mode, dtype=torch.float32, device=device)
        reader = Reader(model, processor, mode, "short", 16, 4)
        texts.append(reader.read(pairs(6)))
        scores.append(reader.log_probabilities(pairs(6), ['{"differences": [], "is_changed": false}'] * 6))
        assert texts[-1] == [reader.read([pair])[0] for pair in pairs(6)]
    assert texts[0] == texts[1]
    assert scores[0] == pytest.approx(scores[1], abs=1e-2)


def test_the_engine_takes_the_gpu_and_bfloat16_by_itself(tmp_path: Path) -> None:
    stock = tiny_verifier(tmp_path / "stock")
    verifier = TrainedVerifier(TransformersSettings(model=str(stock), max_new_tokens=16), 2)
    assert verifier.reader.model.device.type == "cuda" and verifier.reader.model.dtype == torch.bfloat16
    before = torch.cuda.get_rng_state()
    assert len(verifier.verdicts(pairs(3))) == 3
    assert torch.equal(before, torch.cuda.get_rng_state())


def test_seven_billion_parameters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if torch.cuda.get_device_properties(0).total_memory < 40e9:
        pytest.skip("less than 40 GB of GPU memory")
    stock = tiny_verifier(tmp_path / "stock")
    processor = load_processor(str(stock), max_pixels=1024 * 1024)
    assert processor.chat_template == CHAT
    model = seven_billion(tokenizer(), "cuda").eval()
    assert 8.0e9 < sum(parameter.numel() for parameter in model.parameters()) < 8.4e9
    new, count, size = 64, 16, 8
    reader = Reader(model, processor, "image", "short", new, size)
    reader.end = 150_000  # a token that random weights hardly say: every reply runs to its last one
    asked = pairs(count, (1024, 768))
    reader.read(asked[:size])
    torch.cuda.reset_peak_memory_stats()
    torch.cuda.synchronize()
    started = time.perf_counter()
    reader.read(asked)
    torch.cuda.synchronize()
    seconds = time.perf_counter() - started
    prompt = int(reader.inputs(asked[:1])["attention_mask"].sum())
    started = time.perf_counter()
    reader.log_probabilities(asked, ['{"differences": [], "is_changed": false}'] * count)
    scoring = time.perf_counter() - started
    with capsys.disabled():
        print(
            f"\n7B, {torch.cuda.get_device_name(0)}, bfloat16, batch {size}, three pictures of 1024 x 768: {count / seconds:.2f} pairs a second, "
            f"{count * prompt / seconds:.0f} prompt and {count * new / seconds:.0f} reply tokens a second; scoring a reply {count / scoring:.2f} a second; "
            f"peak {torch.cuda.max_memory_allocated() / 1e9:.1f} GB"
        )
    assert torch.cuda.max_memory_allocated() < 75e9
