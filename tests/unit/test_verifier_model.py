"""The verifier's model: stock weights in every differential mode, the residual that begins at zero, what a folder records, unusable folders."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForImageTextToText

from made_verifier import Family, tiny_verifier
from small_tables import picture, png
from unicedit.map.compute import EngineError
from unicedit.verifier.load import load_processor, load_verifier, recorded, save_verifier
from unicedit.verifier.reader import Pair, Reader, pictures_of

FAMILIES: tuple[Family, ...] = ("qwen2_5_vl", "qwen3_vl")


@pytest.fixture(scope="module", params=FAMILIES)
def stock(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_verifier(tmp_path_factory.mktemp(request.param) / "stock", family=request.param)


@pytest.fixture(scope="module")
def qwen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_verifier(tmp_path_factory.mktemp("model") / "stock")


def pairs() -> list[Pair]:
    """Source and edit of one size, of two sizes, and alike."""
    sizes = (((56, 56), (56, 56)), ((56, 28), (28, 56)), ((90, 40), (40, 40)))
    return [
        Pair(f"{number}", png(picture(number, source)), png(picture(number + 7, edit)), ("Make it blue.", "变蓝"))
        for number, (source, edit) in enumerate(sizes)
    ]


def logits(model: Any, processor: Any, differential: Any = "none", asked: list[Pair] | None = None) -> torch.Tensor:
    inputs = Reader(model, processor, differential, "short").inputs(asked or pairs())
    with torch.no_grad():
        return model(**inputs).logits


def train_residual(model: Any) -> None:
    torch.manual_seed(3)
    for name, parameter in model.named_parameters():
        if ".differential." in name:
            torch.nn.init.normal_(parameter, std=0.3)


def test_stock_weights_in_the_latent_class_give_the_stock_logits(stock: Path) -> None:
    model, processor = load_verifier(str(stock), differential="latent")
    plain = AutoModelForImageTextToText.from_pretrained(stock).eval()
    assert type(model) is not type(plain) and model.model.differential.outer.weight.abs().sum() == 0
    assert model.model.differential.inner.weight.std() > 0
    assert torch.equal(logits(model, processor), logits(plain, processor))


def test_a_trained_residual_survives_saving_and_changes_the_logits(stock: Path, tmp_path: Path) -> None:
    model, processor = load_verifier(str(stock), differential="latent", form="short")
    plain = logits(model, processor)
    train_residual(model)
    trained = logits(model, processor)
    assert (trained - plain).abs().max() > 0.01
    save_verifier(model, processor, tmp_path / "saved")
    again, processor = load_verifier(str(tmp_path / "saved"), differential="latent")
    assert torch.equal(logits(again, processor), trained)
    assert recorded(str(tmp_path / "saved")) == ("latent", "short")
    # a second saving keeps what it does not say anew
    save_verifier(again, processor, tmp_path / "twice")
    assert recorded(str(tmp_path / "twice")) == ("latent", "short")


def test_the_residual_sees_the_difference_of_each_pair_and_nothing_else(qwen: Path) -> None:
    model, processor = load_verifier(str(qwen), differential="latent")
    train_residual(model)
    inputs = Reader(model, processor, "latent", "short").inputs(pairs())
    pixels, grids = inputs["pixel_values"], inputs["image_grid_thw"]
    with torch.no_grad():
        shown = model.model.get_image_features(pixels, grids).pooler_output
        plain = model.model.visual(pixels, grid_thw=grids, return_dict=True).pooler_output.split([len(one) for one in shown])
        assert all(torch.equal(shown[at], plain[at]) for at in (0, 2, 4))  # sources stay
        assert torch.allclose(shown[1], plain[1] + model.model.differential(plain[1] - plain[0]), atol=1e-6)
        # another grid: one row of two tokens of the source is laid over two rows of one of the edit, each becoming their mean
        expected = plain[3] + model.model.differential(plain[3] - plain[2].mean(dim=0))
        assert torch.allclose(shown[3], expected, atol=1e-6)
    with pytest.raises(ValueError, match="pairs of source and edit"):
        model.model.get_image_features(pixels[: int(grids[0].prod())], grids[:1])


def test_auto_class_loads_every_mode_and_the_stock_part_of_a_latent_one(stock: Path, tmp_path: Path) -> None:
    plain, processor = load_verifier(str(stock), differential="none")
    for mode in ("none", "image", "latent"):
        model, _ = load_verifier(str(stock), differential=mode)
        train_residual(model)
        save_verifier(model, processor, tmp_path / mode)
        loaded, told = AutoModelForImageTextToText.from_pretrained(tmp_path / mode, output_loading_info=True)
        assert not told["missing_keys"] and len(told["unexpected_keys"]) == (6 if mode == "latent" else 0)
        assert torch.equal(logits(loaded.eval(), processor), logits(plain, processor))
        written = json.loads((tmp_path / mode / "config.json").read_text())
        assert written["architectures"][0].startswith("Latent") == (mode == "latent")  # so that stock vLLM refuses it
        assert written["verifier"] == {"differential": mode}
        # what stock transformers and vLLM look for by name
        assert json.loads((tmp_path / mode / "processor_config.json").read_text())["processor_class"] in (
            "Qwen2_5_VLProcessor",
            "Qwen3VLProcessor",
        )


@pytest.mark.parametrize("other", ["none", "image"])
def test_a_residual_is_never_dropped_unseen(qwen: Path, tmp_path: Path, other: Any) -> None:
    model, processor = load_verifier(str(qwen), differential="latent")
    save_verifier(model, processor, tmp_path / "latent")
    with pytest.raises(EngineError, match="drop its residual"):
        load_verifier(str(tmp_path / "latent"), differential=other)
    config = json.loads((tmp_path / "latent" / "config.json").read_text())
    (tmp_path / "latent" / "config.json").write_text(json.dumps({key: value for key, value in config.items() if key != "verifier"}))
    with pytest.raises(EngineError, match="drop its residual"):  # nor where the folder does not say so
        load_verifier(str(tmp_path / "latent"), differential=other)


def test_processor_bounds_pictures(qwen: Path) -> None:
    asked = [Pair("big", png(picture(1, (3000, 2000))), png(picture(2, (1, 5))), None)]
    for most, tokens in ((28 * 28 * 16, 16), (28 * 28 * 4, 4)):
        processor = load_processor(str(qwen), max_pixels=most)
        shown = processor.image_processor(images=pictures_of(asked[0], "none"), return_tensors="pt")["image_grid_thw"]
        assert shown[0].prod() // 4 <= tokens and shown[1].prod() // 4 >= 1


def test_a_saved_processor_is_whole_for_environments_with_torchvision(stock: Path, tmp_path: Path) -> None:
    """There the stock processor opens the folder, and wants a video part; and what it saves is read here."""
    family = json.loads((stock / "config.json").read_text())["model_type"]
    saved = json.loads((stock / "video_preprocessor_config.json").read_text())
    assert (
        saved["video_processor_type"] == {"qwen2_5_vl": "Qwen2VLVideoProcessor", "qwen3_vl": "Qwen3VLVideoProcessor"}[family]
        and saved["patch_size"] == 14
    )
    theirs = shutil.copytree(stock, tmp_path / "theirs")
    processor = json.loads((theirs / "processor_config.json").read_text())
    (theirs / "processor_config.json").write_text(json.dumps({**processor, "video_processor": saved}))
    (theirs / "video_preprocessor_config.json").unlink()
    assert load_processor(str(theirs)).image_processor.patch_size == 14


def broken(folder: Path, stock: Path, fault: str) -> str:
    target = folder / fault
    if fault == "missing":
        return str(target)
    shutil.copytree(stock, target)
    weights = target / "model.safetensors"
    if fault == "no config":
        (target / "config.json").unlink()
    elif fault == "garbled config":
        (target / "config.json").write_text("{")
    elif fault == "no weights":
        weights.unlink()
    elif fault == "cut weights":
        weights.write_bytes(weights.read_bytes()[:5000])
    elif fault == "pointer":
        weights.write_text("version https://git-lfs.github.com/spec/v1\n")
    elif fault == "pickle":
        weights.rename(target / "pytorch_model.bin")
    elif fault == "a weight less":
        from safetensors.torch import load_file, save_file

        kept = load_file(weights)
        kept.pop("visual.blocks.0.attn.qkv.weight")
        save_file(kept, weights, metadata={"format": "pt"})
    elif fault == "no tokenizer":
        (target / "tokenizer.json").unlink()
    elif fault == "another family":
        config = json.loads((target / "config.json").read_text())
        (target / "config.json").write_text(json.dumps({**config, "model_type": "llava"}))
    elif fault == "another shape":
        config = json.loads((target / "config.json").read_text())
        config["text_config"]["hidden_size"] = 64
        (target / "config.json").write_text(json.dumps(config))
    return str(target)


FAULTS = (
    "missing", "no config", "garbled config", "no weights", "cut weights", "pointer", "pickle", "a weight less", "no tokenizer",
    "another family", "another shape",
)  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_an_unusable_folder_is_named_in_one_line(qwen: Path, tmp_path: Path, fault: str) -> None:
    path = broken(tmp_path, qwen, fault)
    with pytest.raises(EngineError) as raised:
        load_verifier(path, differential="none")
    message = str(raised.value)
    assert message.startswith(f"{path}: ") and "\n" not in message


def test_a_hub_name_without_its_revision_is_refused() -> None:
    with pytest.raises(EngineError, match="needs its revision"):
        load_verifier("Qwen/Qwen2.5-VL-7B-Instruct", differential="none")
