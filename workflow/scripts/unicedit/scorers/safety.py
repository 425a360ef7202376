"""Safety: the probability of unsafe content, by any image classification model that names such labels (issue 3, item 4)."""

from collections.abc import Sequence

from PIL import Image

from unicedit.config.prefilter import SafetySettings
from unicedit.map.compute import EngineError
from unicedit.scorers.models import device_of, load_pretrained


class SafetyScorer:
    """Column ``unsafe``, 0..1. Raises ``EngineError`` when the model is missing or does not know a configured label."""

    def __init__(self, settings: SafetySettings) -> None:
        from transformers import AutoImageProcessor, AutoModelForImageClassification

        key = "prefilter.safety.model"
        self.device = device_of(settings.device)
        model = load_pretrained(AutoModelForImageClassification, key, settings.model, settings.revision, use_safetensors=True)
        self.model = model.to(self.device).eval()
        self.processor = load_pretrained(AutoImageProcessor, key, settings.model, settings.revision, backend="pil")
        labels = {str(label).lower(): int(number) for number, label in self.model.config.id2label.items()}
        unknown = [label for label in settings.unsafe_labels if label.lower() not in labels]
        if unknown:
            raise EngineError(f"config: prefilter.safety.unsafe_labels = {unknown}: the model knows {', '.join(sorted(labels))}")
        self.unsafe = sorted(labels[label.lower()] for label in settings.unsafe_labels)

    def score(self, images: Sequence[Image.Image]) -> list[dict[str, float]]:
        import torch

        if not images:
            return []
        pixels = self.processor(images=list(images), return_tensors="pt")["pixel_values"].to(self.device)
        with torch.inference_mode():
            probabilities = self.model(pixel_values=pixels).logits.float().softmax(dim=-1)[:, self.unsafe].sum(dim=-1)
        return [{"unsafe": float(probability)} for probability in probabilities.cpu()]
