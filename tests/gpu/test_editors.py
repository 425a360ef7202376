"""Editing on a GPU: batches against single calls, and the real models' denoisers with random weights in seconds an image."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from full_editors import full_kontext, full_qwen
from small_tables import picture
from tiny_editors import ARGUMENTS, NAMES, tiny_editor
from unicedit.config.diffusers import DiffusersSettings
from unicedit.edit.diffusers import DiffusersEditor
from unicedit.edit.port import EditRequest
from unicedit.provenance import Provenance

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")]

STEPS = 8
SIZE = (1024, 1024)
MODELS: dict[
    str, tuple[Callable[[str], Any], dict[str, Any], float]
] = {  # how it is built, its call's arguments, GB of GPU memory it needs
    "kontext": (full_kontext, {"guidance_scale": 2.5}, 45),
    "qwen": (full_qwen, {"true_cfg_scale": 4.0, "negative_prompt": " "}, 70),
}


def requests(count: int, size: tuple[int, int]) -> list[EditRequest]:
    place = Provenance("p", "photo", *size, (0, 0, *size), *size)
    return [
        EditRequest(str(number), picture(number, size), "remove the green circle", "移除", number + 5, place) for number in range(count)
    ]


@pytest.mark.parametrize("kind", ["kontext", "qwen", "pix2pix"])
def test_a_batch_gives_what_single_calls_give_up_to_rounding(tmp_path: Path, kind: str) -> None:
    model = str(tiny_editor(tmp_path / kind, kind))
    own = {"pipeline": NAMES[kind], "model": model, "pixels": None, "arguments": ARGUMENTS[kind]}
    editor = DiffusersEditor(DiffusersSettings(**own, dtype="float32", batch_size=4), "tiny")
    assert editor.pipeline.device.type == "cuda"
    asked = requests(4, (64, 64))
    for together, request in zip(editor.edit(asked), asked, strict=True):
        (alone,) = editor.edit([request])
        assert isinstance(together, Image.Image) and isinstance(alone, Image.Image)
        assert np.abs(np.asarray(together, dtype=int) - np.asarray(alone, dtype=int)).max() <= 2
    editor = DiffusersEditor(DiffusersSettings(**own), "tiny")
    assert next(editor.pipeline.vae.parameters()).dtype == torch.bfloat16


def seconds_an_image(call: Callable[[], Any], images: int) -> float:
    """After a first call that warms up."""
    call()
    _wait()
    started = time.perf_counter()
    call()
    _wait()
    return (time.perf_counter() - started) / images


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def measured(kind: str, pipeline: Any, size: tuple[int, int], steps: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Seconds an image of the plain call of diffusers, and of the editor: eager, batched, cached and compiled."""
    _, own, _ = MODELS[kind]
    arguments = {**own, "num_inference_steps": steps}
    monkeypatch.setattr(type(pipeline), "from_pretrained", lambda *_, **__: pipeline)
    given = {"pipeline": NAMES[kind], "model": ".", "arguments": arguments, "pixels": None}
    (one,) = requests(1, size)
    pipeline.set_progress_bar_config(disable=True)
    plain = {"image": one.image, "prompt": one.instruction_en, "width": size[0], "height": size[1], **arguments}
    plain |= {"_auto_resize": False, "max_area": size[0] * size[1]} if kind == "kontext" else {}
    found = {"plain call": seconds_an_image(lambda: pipeline(**plain, generator=torch.Generator("cpu").manual_seed(5)), 1)}
    modes: dict[str, tuple[dict[str, Any], int]] = {
        "eager": ({}, 1),
        "batch of 4": ({"batch_size": 4}, 4),
        "cached": ({"cache": {"arguments": {"threshold": 0.1}}}, 1),
        "compiled": ({"compile": "blocks"}, 1),  # last: it stays compiled
    }
    for mode, (settings, images) in modes.items():
        editor = DiffusersEditor(DiffusersSettings(**given, **settings), kind)
        asked = requests(images, size)
        found[mode] = seconds_an_image(lambda editor=editor, asked=asked: _edited(editor, asked), images)
        assert editor.batch == images, "the batch was not tried one by one"
        if mode == "cached":
            pipeline.transformer.disable_cache()
    return found


def _edited(editor: DiffusersEditor, asked: list[EditRequest]) -> None:
    for result in editor.edit(asked):  # random weights may run over
        assert isinstance(result, Image.Image) or str(result).startswith("not_finite"), result


@pytest.mark.parametrize("kind", MODELS)
def test_seconds_an_image_at_full_size(kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    build, _, needed = MODELS[kind]
    if torch.cuda.get_device_properties(0).total_memory < needed * 1e9:
        pytest.skip(f"less than {needed:.0f} GB of GPU memory")
    torch.cuda.reset_peak_memory_stats()
    pipeline = build("cuda")
    parameters = sum(one.numel() for one in pipeline.transformer.parameters())
    found = measured(kind, pipeline, SIZE, STEPS, monkeypatch)
    with capsys.disabled():
        figures = ", ".join(f"{mode} {seconds:.2f} s ({seconds / STEPS:.3f} a step)" for mode, seconds in found.items())
        print(
            f"\n{NAMES[kind]}, {parameters / 1e9:.1f} billion parameters, {torch.cuda.get_device_name(0)}, bfloat16, {SIZE[0]} x {SIZE[1]}, {STEPS} steps, "
            f"seconds an image: {figures}; peak {torch.cuda.max_memory_allocated() / 1e9:.1f} GB"
        )
    assert found["eager"] < 1.1 * found["plain call"]
    assert found["compiled"] < found["eager"]
