"""Scorers: technical quality falls with every degradation; the real predictors compute what their parts compute."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from made_scorers import classifier, published_head, tower
from unicedit.config.prefilter import AestheticSettings, PrefilterSettings, SafetySettings
from unicedit.errors import PipelineError
from unicedit.map.compute import EngineError
from unicedit.scorers.port import open_scorers
from unicedit.scorers.technical import TechnicalScorer
from unicedit.world.photos import PHOTOS, photograph


def photographs() -> list[Image.Image]:
    return [photograph(name).convert("RGB") for name in PHOTOS]


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream).convert("RGB")


DEGRADATIONS = {
    "blur": lambda image: image.filter(ImageFilter.GaussianBlur(4)),
    "low contrast": lambda image: Image.blend(Image.new("RGB", image.size, (128, 128, 128)), image, 0.25),
    "burnt out": lambda image: image.point(lambda value: min(255, value * 4 + 200)),
    "black": lambda image: image.point(lambda value: max(0, value - 160)),
}


@pytest.mark.parametrize("name", sorted(DEGRADATIONS))
def test_technical_quality_falls_with_degradation(name: str) -> None:
    whole = TechnicalScorer().score(photographs())
    worse = TechnicalScorer().score([DEGRADATIONS[name](image) for image in photographs()])
    assert all(after["quality"] < before["quality"] for before, after in zip(whole, worse, strict=True))


def test_technical_quality_is_bounded_and_defined_for_plain_pictures() -> None:
    for colour in ("black", "white", "gray"):
        (score,) = TechnicalScorer().score([Image.new("RGB", (256, 256), colour)])
        assert score["quality"] == 0
    assert all(0 <= score["quality"] <= 10 for score in TechnicalScorer().score(photographs()))


def test_default_scores_technical_quality_alone() -> None:
    assert [type(scorer).__name__ for scorer in open_scorers(PrefilterSettings())] == ["TechnicalScorer"]
    assert "not aesthetics" in str(PrefilterSettings.__doc__)


@pytest.mark.parametrize("predictor", ["siglip_v2_5", "laion"])
def test_aesthetic_score_is_tower_norm_and_head(tmp_path: Path, predictor: str) -> None:
    import torch
    from transformers import AutoImageProcessor, CLIPVisionModelWithProjection, SiglipVisionModel

    from unicedit.scorers.aesthetic import AestheticScorer

    weights = published_head(tmp_path / "head.safetensors", predictor, tower(tmp_path / "tower", predictor))
    settings = AestheticSettings(predictor=predictor, model=str(tmp_path / "tower"), head=str(tmp_path / "head.safetensors"), device="cpu")
    scorer = AestheticScorer(settings)
    images = photographs()[:3]
    got = [score["aesthetic"] for score in scorer.score(images)]
    with torch.inference_mode():
        pixels = AutoImageProcessor.from_pretrained(tmp_path / "tower", backend="pil")(images=images, return_tensors="pt")["pixel_values"]
        if predictor == "siglip_v2_5":
            value = SiglipVisionModel.from_pretrained(tmp_path / "tower").eval()(pixel_values=pixels).pooler_output
        else:
            value = CLIPVisionModelWithProjection.from_pretrained(tmp_path / "tower").eval()(pixel_values=pixels).image_embeds
        value = torch.nn.functional.normalize(value, dim=-1)
        for name in [name for name in weights if name.endswith("weight")]:
            value = value @ weights[name].T + weights[name.replace("weight", "bias")]
    assert got == pytest.approx(value.squeeze(-1).tolist(), abs=1e-5)
    assert [scorer.score([image])[0]["aesthetic"] for image in images] == pytest.approx(got, abs=1e-5)
    assert scorer.score([]) == []


def test_missing_or_foreign_aesthetic_model_is_an_error_that_names_the_setting(tmp_path: Path) -> None:
    from unicedit.scorers.aesthetic import AestheticScorer

    embedding = tower(tmp_path / "clip", "laion")
    published_head(tmp_path / "head.safetensors", "laion", embedding)
    head = str(tmp_path / "head.safetensors")
    with pytest.raises(EngineError, match=r"prefilter\.aesthetic\.head = .*no such file"):
        AestheticScorer(AestheticSettings(model=str(tmp_path / "clip"), head="missing.safetensors"))
    with pytest.raises(EngineError, match=r"prefilter\.aesthetic\.model = 'google/none': no such folder"):
        AestheticScorer(AestheticSettings(model="google/none", head=head))
    with pytest.raises(EngineError, match="a head fits only its own tower"):
        AestheticScorer(AestheticSettings(predictor="siglip_v2_5", model=str(tmp_path / "clip"), head=head))
    published_head(tmp_path / "other.safetensors", "laion", embedding + 1)
    with pytest.raises(EngineError, match="are not those of the predictor's head"):
        AestheticScorer(AestheticSettings(predictor="laion", model=str(tmp_path / "clip"), head=str(tmp_path / "other.safetensors")))


def test_safety_is_the_probability_of_the_unsafe_labels(tmp_path: Path) -> None:
    import torch
    from transformers import AutoImageProcessor, AutoModelForImageClassification

    from unicedit.scorers.safety import SafetyScorer

    classifier(tmp_path)
    model = AutoModelForImageClassification.from_pretrained(tmp_path).eval()
    processor = AutoImageProcessor.from_pretrained(tmp_path, backend="pil")
    images = photographs()[:3]
    scorer = SafetyScorer(SafetySettings(model=str(tmp_path), unsafe_labels=["NSFW", "violence"], device="cpu"))
    with torch.inference_mode():
        probabilities = model(**processor(images=images, return_tensors="pt")).logits.softmax(-1)[:, 1:].sum(-1).tolist()
    assert [score["unsafe"] for score in scorer.score(images)] == pytest.approx(probabilities, abs=1e-5)
    with pytest.raises(EngineError, match="the model knows normal, nsfw, violence"):
        SafetyScorer(SafetySettings(model=str(tmp_path), unsafe_labels=["gore"]))


def test_published_head_is_converted_without_executing_it(tmp_path: Path) -> None:
    import os
    import pickle

    import torch
    from safetensors.torch import load_file

    from unicedit.scorers.convert_aesthetic import convert

    torch.save({"layers.0.weight": torch.ones(2, 3, dtype=torch.bfloat16)}, tmp_path / "head.pth")
    convert(tmp_path / "head.pth", tmp_path / "head.safetensors")
    assert np.array_equal(load_file(tmp_path / "head.safetensors")["layers.0.weight"].numpy(), np.ones((2, 3), np.float32))

    class Hostile:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path}/executed",)

    (tmp_path / "hostile.pth").write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(PipelineError):
        convert(tmp_path / "hostile.pth", tmp_path / "out.safetensors")
    assert not (tmp_path / "executed").exists()
