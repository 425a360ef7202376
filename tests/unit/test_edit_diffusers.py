"""Editors in diffusers: a batch gives what single calls give, sizes stay, faults stay with their row."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from small_tables import picture
from tiny_editors import ARGUMENTS, BUILT, NAMES, tiny_editor
from unicedit.config.diffusers import DiffusersSettings
from unicedit.config.edit import EditorSettings
from unicedit.edit.diffusers import DiffusersEditor, working_size
from unicedit.edit.pipeline import accepted, load_pipeline, pipeline_class
from unicedit.edit.port import EditRequest
from unicedit.edit.weights import pipeline_digest
from unicedit.map.compute import EngineError, UnexpectedError
from unicedit.map.stage import RowError
from unicedit.provenance import Provenance

SIZES = [(64, 64), (64, 64), (96, 64), (64, 64), (72, 40)]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Models this small only wait for each other in many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("editors")
    return {kind: tiny_editor(folder / kind, kind) for kind in BUILT}


def settings_of(folders: dict[str, Path], kind: str, **changes: Any) -> DiffusersSettings:
    given = {"pipeline": NAMES[kind], "model": str(folders[kind]), "pixels": None, "arguments": ARGUMENTS[kind], **changes}
    return DiffusersSettings(**given)


def requests(sizes: Sequence[tuple[int, int]] = SIZES) -> list[EditRequest]:
    """Requests with instructions of different length."""
    return [
        EditRequest(
            str(number),
            picture(number, size),
            "remove the green circle" + " please" * number,
            "把红色方块变成蓝色",
            number + 5,
            Provenance(str(number), "photo", *size, (0, 0, *size), *size),
        )
        for number, size in enumerate(sizes)
    ]


def pixels(image: Any) -> np.ndarray:
    assert isinstance(image, Image.Image), image
    return np.asarray(image).astype(int)


@pytest.mark.parametrize("kind", BUILT)
def test_a_batch_gives_what_single_calls_give(folders: dict[str, Path], kind: str) -> None:
    editor = DiffusersEditor(settings_of(folders, kind, batch_size=4), "tiny")
    asked = requests()
    calls: list[int] = []
    arguments = editor._arguments
    editor._arguments = lambda batch, size: (calls.append(len(batch)), arguments(batch, size))[1]  # type: ignore[method-assign]
    together = editor.edit(asked)
    # one size a call; Edit-Plus refuses more than one picture, and is not asked for more again
    assert calls == {"plus": [3, 1, 1, 1, 1, 1]}.get(kind, [3, 1, 1])
    assert [image.size for image in together if isinstance(image, Image.Image)] == SIZES
    for request, image in zip(asked, together, strict=True):
        (alone,) = editor.edit([request])
        assert np.abs(pixels(image) - pixels(alone)).max() <= 1, "no more than rounding"
    again = editor.edit([EditRequest(**{**_fields(asked[0]), "seed": 99})])
    assert np.abs(pixels(again[0]) - pixels(together[0])).max() > 1, "the seed decides"


def _fields(request: EditRequest) -> dict[str, Any]:
    return {name: getattr(request, name) for name in EditRequest.__slots__}


@pytest.mark.parametrize(
    ("size", "area", "expected"),
    [
        ((1024, 1024), 1_048_576, (1024, 1024)),
        ((688, 1504), 1_048_576, (688, 1504)),  # one of Kontext's own sizes: not scaled by a hair
        ((256, 256), 1_048_576, (1024, 1024)),
        ((168, 392), 1_048_576, (672, 1568)),
        ((168, 392), None, (160, 384)),
        ((4000, 3000), 1_048_576, (1184, 880)),
        ((5, 900), None, (16, 896)),
    ],
)
def test_working_size(size: tuple[int, int], area: int | None, expected: tuple[int, int]) -> None:
    assert working_size(size, 16, area) == expected


@pytest.mark.parametrize("kind", ["kontext", "qwen", "plus"])
def test_the_model_works_at_the_area_that_is_set(folders: dict[str, Path], kind: str) -> None:
    editor = DiffusersEditor(settings_of(folders, kind, pixels=4096), "tiny")
    seen: list[Any] = []
    encode = editor.pipeline.vae.encode
    editor.pipeline.vae.encode = lambda image, *rest: (seen.append(tuple(image.shape[-2:])), encode(image, *rest))[1]
    (image,) = editor.edit(requests([(256, 128)]))
    multiple = editor.multiple
    assert seen == [working_size((256, 128), multiple, 4096)[::-1]], "not the megapixel that the pipeline would force"
    assert isinstance(image, Image.Image) and image.size == (256, 128)


@pytest.mark.parametrize("kind", ["qwen", "plus"])
def test_the_text_encoder_is_told_which_tokens_are_pictures(folders: dict[str, Path], kind: str) -> None:
    pipeline = load_pipeline(settings_of(folders, kind), "tiny")
    image = picture(3, (64, 64))
    shown = [image] if kind == "plus" else image
    prompt = "remove the green circle"
    text = pipeline.prompt_template_encode.format(
        ("Picture 1: <|vision_start|><|image_pad|><|vision_end|>" if kind == "plus" else "") + prompt
    )
    with torch.no_grad():
        given, _ = pipeline.encode_prompt(prompt=prompt, image=shown, device=torch.device("cpu"))
        inputs = pipeline.processor(text=[text], images=[image], padding=True, return_tensors="pt")
        assert "mm_token_type_ids" in inputs
        right = pipeline.text_encoder(**inputs, output_hidden_states=True).hidden_states[-1]
        pipeline.text_encoder._forward_pre_hooks.clear()  # without the repair
        wrong, _ = pipeline.encode_prompt(prompt=prompt, image=shown, device=torch.device("cpu"))
    right = right[:, pipeline.prompt_template_encode_start_idx :]
    assert torch.allclose(given, right, atol=1e-5)
    assert (wrong - right).abs().max() > 1e-2, "diffusers has mended it: `give_token_types` can go"


def test_the_language_is_the_one_that_is_set(folders: dict[str, Path]) -> None:
    said = []
    for language in ("en", "cn"):
        editor = DiffusersEditor(settings_of(folders, "pix2pix", language=language), "tiny")
        said.append(editor._arguments(next(iter(editor._buckets(requests(SIZES[:1])))), (64, 64))["prompt"])
    assert said == ["remove the green circle", "把红色方块变成蓝色"]


def faulty(editor: DiffusersEditor, call: Any) -> list[int]:
    """Let ``call`` see each call's arguments first; the sizes of the batches come back."""
    pipeline, batches = editor.pipeline, []

    class Faulty:
        def __getattr__(self, name: str) -> Any:
            return getattr(pipeline, name)

        def __call__(self, **arguments: Any) -> Any:
            prompts = arguments["prompt"]
            batches.append(len(prompts) if isinstance(prompts, list) else 1)
            output = call(prompts)
            return output if output is not None else pipeline(**arguments)

    editor.pipeline = Faulty()
    return batches


def test_a_batch_too_large_for_the_memory_is_tried_alone_and_the_next_is_smaller(folders: dict[str, Path]) -> None:
    editor = DiffusersEditor(settings_of(folders, "kontext", batch_size=4), "tiny")

    def call(prompts: Any) -> None:
        if isinstance(prompts, list) and len(prompts) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    batches = faulty(editor, call)
    assert all(isinstance(image, Image.Image) for image in editor.edit(requests([(64, 64)] * 8)))
    assert batches == [4, 1, 1, 1, 1, 2, 2]


def test_a_lost_device_stops_the_job_instead_of_failing_every_row(folders: dict[str, Path]) -> None:
    editor = DiffusersEditor(settings_of(folders, "kontext"), "tiny")

    def call(prompts: Any) -> None:
        raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")

    batches = faulty(editor, call)
    with pytest.raises(EngineError, match="editor tiny: the device is lost"):
        editor.edit(requests([(64, 64)] * 3))
    assert batches == [1]


def test_a_request_that_fails_is_a_row_with_a_reason(folders: dict[str, Path]) -> None:
    editor = DiffusersEditor(settings_of(folders, "kontext", batch_size=2), "tiny")

    class Output:
        def __init__(self, value: float, unsafe: list[bool] | None) -> None:
            self.images, self.nsfw_content_detected = np.full((1, 64, 64, 3), value), unsafe

    def call(prompts: Any) -> Any:
        if isinstance(prompts, list):
            raise ValueError("these two do not go together")
        found = {0: Output(float("nan"), None), 1: Output(0.5, [True])}.get(prompts.count("please"))
        if found is None:
            raise RuntimeError("a hostile\nprompt")
        return found

    faulty(editor, call)
    results = editor.edit(requests([(64, 64)] * 3))
    assert [type(result) for result in results] == [RowError, RowError, UnexpectedError]
    assert [str(result) for result in results] == [
        "not_finite: the model gave values that are no numbers",
        "refused: the pipeline's safety checker",
        "error: RuntimeError: a hostile prompt",
    ]


def test_the_class_is_looked_for_in_diffusers_alone() -> None:
    assert pipeline_class("QwenImageEditPlusPipeline", "x").__module__.startswith("diffusers.")
    for name in ("FluxKontextPipelin", "AutoencoderKL", "Path", "DiffusersSettings"):
        with pytest.raises(EngineError, match=f"editor x: diffusers.pipeline = '{name}': .* no such pipeline class"):
            pipeline_class(name, "x")
    with pytest.raises(EngineError, match="takes no `image` with a `prompt`"):
        pipeline_class("StableDiffusionPipeline", "x")


def test_settings_that_cannot_be_are_refused(folders: dict[str, Path]) -> None:
    for wrong, said in (
        ({"arguments": {"prompt": "x", "height": 5}}, "height, prompt: the engine gives this itself"),
        ({"pipeline": "os.system"}, "pattern"),
        ({"lora": {"model": "x", "weight_name": "../weights.bin"}}, "pattern"),
        ({"cache": {"kind": "first_block"}, "batch_size": 2}, "a row would depend on its neighbours"),
    ):
        with pytest.raises(ValueError, match=said):
            settings_of(folders, "kontext", **wrong)
    with pytest.raises(ValueError, match="engine `diffusers` needs a section `diffusers`"):
        EditorSettings(name="a", engine="diffusers")
    pipeline = load_pipeline(settings_of(folders, "kontext"), "x")
    with pytest.raises(
        EngineError, match=r"diffusers\.arguments has steps, which FluxKontextPipeline does not take; it takes .*num_inference_steps"
    ):
        accepted(pipeline, {"steps": 3}, "x")


def test_a_model_that_is_not_whole_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    with pytest.raises(EngineError, match="no such folder; a model of the hub needs its revision"):
        load_pipeline(settings_of(folders, "kontext", model="somebody/flux"), "x")
    with pytest.raises(EngineError, match="cannot be loaded"):
        load_pipeline(settings_of(folders, "kontext", model="somebody/flux", revision="abc"), "x")
    with pytest.raises(EngineError, match=r"editor x: .* cannot be loaded"):
        load_pipeline(settings_of(folders, "qwen", model=str(folders["kontext"])), "x")  # another pipeline's parts
    if not torch.cuda.is_available():
        with pytest.raises(EngineError, match="cannot be put on cuda"):
            load_pipeline(settings_of(folders, "kontext", device="cuda", dtype="float32"), "x")
    broken = tmp_path / "broken"
    shutil.copytree(folders["kontext"], broken)
    weights = broken / "text_encoder" / "model.safetensors"
    tensors = load_file(weights)
    del tensors["encoder.layers.0.layer_norm1.weight"]
    save_file(tensors, weights, metadata={"format": "pt"})
    with pytest.raises(EngineError, match="weights are missing"):  # the libraries would draw them at random
        load_pipeline(settings_of(folders, "kontext", model=str(broken)), "x")
    torch.save(tensors, weights.with_suffix(".bin"))
    weights.unlink()
    with pytest.raises(EngineError, match="cannot be loaded"):  # pickled weights are not read
        load_pipeline(settings_of(folders, "kontext", model=str(broken)), "x")


def _adapter(folder: Path, pipeline: Any, name: str = "few.safetensors") -> Path:
    """Save a random adapter of a pipeline's denoiser."""
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    torch.manual_seed(3)
    pipeline.transformer.add_adapter(LoraConfig(r=2, init_lora_weights=False, target_modules=["to_q", "to_k"]))
    layers = get_peft_model_state_dict(pipeline.transformer)
    type(pipeline).save_lora_weights(folder, transformer_lora_layers=layers, weight_name=name)
    return folder


def test_an_adapter_changes_the_edit_by_its_scale(folders: dict[str, Path], tmp_path: Path) -> None:
    lora = _adapter(tmp_path, load_pipeline(settings_of(folders, "kontext"), "x"))
    asked = requests(SIZES[:1])
    given = {"model": str(lora), "weight_name": "few.safetensors"}
    made = {}
    for scale in (None, 0.0, 4.0):
        settings = settings_of(folders, "kontext", lora=None if scale is None else {**given, "scale": scale})
        made[scale] = pixels(DiffusersEditor(settings, "x").edit(asked)[0])
    assert np.abs(made[None] - made[0.0]).max() <= 1 < np.abs(made[None] - made[4.0]).max()
    with pytest.raises(EngineError, match=r"diffusers\.lora\.model = .*: cannot be loaded|changes no part"):
        load_pipeline(settings_of(folders, "qwen", lora=given), "x")
    with pytest.raises(EngineError, match="cannot be loaded"):
        load_pipeline(settings_of(folders, "kontext", lora={**given, "weight_name": "absent.safetensors"}), "x")


def test_the_digest_follows_weights_and_adapter(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(folders["kontext"], folder)
    settings = settings_of(folders, "kontext", model=str(folder))
    before = pipeline_digest(settings)
    assert before == pipeline_digest(settings_of(folders, "kontext")), "where it lies does not matter"
    (folder / "README.md").write_text("A card.")
    assert pipeline_digest(settings) == before
    weights = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    changed = pipeline_digest(settings)
    assert changed != before
    (tmp_path / "few.safetensors").write_bytes(b"1")
    adapted = settings.model_copy(update={"lora": {"model": str(tmp_path), "weight_name": "few.safetensors"}})
    adapted = DiffusersSettings.model_validate(adapted.model_dump(warnings=False))
    assert pipeline_digest(adapted)[0] == changed[0] and len(pipeline_digest(adapted)) == 2


def test_steps_are_cached_and_blocks_compiled_as_it_is_set(folders: dict[str, Path]) -> None:
    asked = requests(SIZES[:1])
    steps = {**ARGUMENTS["kontext"], "num_inference_steps": 6}
    plain = pixels(DiffusersEditor(settings_of(folders, "kontext", arguments=steps), "x").edit(asked)[0])
    editor = DiffusersEditor(settings_of(folders, "kontext", arguments=steps, cache={"arguments": {"threshold": 100.0}}), "x")
    first, second = (pixels(editor.edit(asked)[0]) for _ in range(2))
    assert np.abs(first - plain).max() > 1, "steps were left out"
    assert (first == second).all(), "nothing stays from one picture to the next"
    with pytest.raises(EngineError, match=r"diffusers\.cache\.arguments = \{'treshold': 1\}"):
        load_pipeline(settings_of(folders, "kontext", cache={"arguments": {"treshold": 1}}), "x")
    with pytest.raises(EngineError, match="package cache-dit is not installed"):
        load_pipeline(settings_of(folders, "kontext", cache={"kind": "cache_dit"}), "x")
    with pytest.raises(EngineError, match="has no cache between steps"):
        load_pipeline(settings_of(folders, "pix2pix", cache={}), "x")
    compiled = load_pipeline(settings_of(folders, "kontext", compile="blocks"), "x").transformer
    assert all(block._compiled_call_impl is not None for block in compiled.transformer_blocks)


def test_the_scheduler_is_changed_as_it_is_set(folders: dict[str, Path]) -> None:
    pipeline = load_pipeline(settings_of(folders, "qwen", scheduler={"shift": 3.0, "use_dynamic_shifting": True}), "x")
    assert pipeline.scheduler.config.shift == 3.0 and pipeline.scheduler.config.use_dynamic_shifting
    with pytest.raises(
        EngineError, match=r"diffusers\.scheduler has shifts, which FlowMatchEulerDiscreteScheduler does not take; it takes .*shift"
    ):
        load_pipeline(settings_of(folders, "qwen", scheduler={"shifts": 3.0}), "x")
