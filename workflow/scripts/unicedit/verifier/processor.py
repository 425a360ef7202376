"""Processors of the Qwen vision-language models, with torchvision and without it.

The stock processors need torchvision for videos alone. Where it is missing, subclasses without a video part take their place; they carry the stock names,
so that what they save is read by stock transformers and vLLM. (With torchvision, pictures are resized by it, not by Pillow: nearly the same pixels.)
"""

from pathlib import Path
from typing import Any

from transformers import Qwen2_5_VLProcessor as StockQwen2_5
from transformers import Qwen3VLProcessor as StockQwen3
from transformers.processing_utils import ProcessorMixin
from transformers.utils import is_torchvision_available

from unicedit.files import write_json

_PATCHES = ("patch_size", "merge_size", "temporal_patch_size")


class _WithoutVideo(ProcessorMixin):  # type: ignore[misc]
    """``__init__`` must not name ``video_processor``: transformers reads from its signature which parts a processor has."""

    video_type: str

    def __init__(self, image_processor: Any = None, tokenizer: Any = None, chat_template: str | None = None, **_: Any) -> None:
        for name in ("image_pad", "video_pad", "vision_start", "vision_end"):
            kind = name.removesuffix("_pad")
            setattr(self, f"{kind}_token", f"<|{name}|>")
            setattr(self, f"{kind}_token_id", tokenizer.convert_tokens_to_ids(f"<|{name}|>"))
        self.video_processor = None
        ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)

    def save_pretrained(self, save_directory: str | Path, **options: Any) -> Any:
        """Save it so that the stock processor opens the folder, which looks for a video part too."""
        saved = super().save_pretrained(save_directory, **options)
        sizes = {name: getattr(self.image_processor, name) for name in _PATCHES}
        write_json(Path(save_directory) / "video_preprocessor_config.json", {"video_processor_type": self.video_type, **sizes})
        return saved


class Qwen2_5_VLProcessor(_WithoutVideo, StockQwen2_5):  # type: ignore[misc]
    """Qwen2.5-VL, images and text."""

    video_type = "Qwen2VLVideoProcessor"


class Qwen3VLProcessor(_WithoutVideo, StockQwen3):  # type: ignore[misc]
    """Qwen3-VL, images and text."""

    video_type = "Qwen3VLVideoProcessor"


WITHOUT_VIDEO: dict[str, Any] = {"qwen2_5_vl": Qwen2_5_VLProcessor, "qwen3_vl": Qwen3VLProcessor}
STOCK: dict[str, Any] = {"qwen2_5_vl": StockQwen2_5, "qwen3_vl": StockQwen3}


def processor_class(family: str) -> Any:
    """The processor class of a model family (``model_type`` of its configuration) that works in this environment."""
    return (STOCK if is_torchvision_available() else WITHOUT_VIDEO)[family]
