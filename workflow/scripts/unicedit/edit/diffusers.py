"""An editing model in this process, through diffusers (design section 6).

Pictures of one size are edited together, each with noise of its own, so that a batch gives what single calls give. A picture that cannot be edited is a
``RowError``: what fails in a batch is tried alone first.
"""

import gc
import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image

from unicedit.config.diffusers import DiffusersSettings
from unicedit.edit.pipeline import accepted, load_pipeline
from unicedit.edit.port import Edited, EditRequest
from unicedit.edit.repairs import cache_context, working_at
from unicedit.map.compute import EngineError, UnexpectedError
from unicedit.map.stage import RowError

log = logging.getLogger(__name__)
NEAR = 0.1  # pictures within this share of the area the model works at are not scaled
USUAL_MULTIPLE = 16  # of a side, where a pipeline does not say


@dataclass(frozen=True, slots=True)
class Work:
    """A request, and its picture in the size that the model works at."""

    place: int
    request: EditRequest
    image: Image.Image


def working_size(size: tuple[int, int], multiple: int, pixels: int | None) -> tuple[int, int]:
    """Width and height that the model works at for a picture of ``size``: multiples of ``multiple``, of about ``pixels`` in area.

    ``None``, or an area within a tenth of ``pixels``: the picture's own size, rounded.
    """
    area = size[0] * size[1]
    factor = 1.0 if pixels is None or abs(area / pixels - 1) <= NEAR else math.sqrt(pixels / area)
    width, height = (max(multiple, round(side * factor / multiple) * multiple) for side in size)
    return width, height


class DiffusersEditor:
    """Edits with the pipeline that the settings name. Raises ``EngineError`` where it cannot be loaded or is told what it does not take."""

    def __init__(self, settings: DiffusersSettings, name: str) -> None:
        self.settings = settings
        self.name = name
        self.pipeline = load_pipeline(settings, name)
        self.takes = accepted(self.pipeline, settings.arguments, name)
        self.batch = settings.batch_size
        processor = getattr(self.pipeline, "image_processor", None)
        self.multiple = int(processor.config.vae_scale_factor) if processor is not None else USUAL_MULTIPLE

    def edit(self, requests: Sequence[EditRequest]) -> list[Edited]:
        """A picture of its source's size for each request, in order, or why there is none."""
        results: dict[int, Edited] = {}
        for bucket in self._buckets(requests):
            while bucket:
                batch, bucket = bucket[: self.batch], bucket[self.batch :]
                results |= {work.place: result for work, result in zip(batch, self._tried(batch), strict=True)}
        return [results[place] for place in range(len(requests))]

    def _buckets(self, requests: Sequence[EditRequest]) -> Iterator[list[Work]]:
        """The requests by the size they are worked at: a batch has one."""
        buckets: dict[tuple[int, int], list[Work]] = {}
        for place, request in enumerate(requests):
            size = working_size(request.image.size, self.multiple, self.settings.pixels)
            image = request.image if request.image.size == size else request.image.resize(size, Image.Resampling.LANCZOS)
            buckets.setdefault(size, []).append(Work(place, request, image))
        yield from buckets.values()

    def _tried(self, batch: Sequence[Work]) -> list[Edited]:
        """A batch's results; where the call fails, each picture is tried alone."""
        try:
            return self._called(batch)
        except EngineError:
            raise
        except torch.AcceleratorError as error:
            # nothing works in this process any more: a new one goes on where it stopped
            raise EngineError(f"editor {self.name}: the device is lost ({' '.join(str(error).split())[:300]}); run again") from error
        except Exception as error:
            reason = (
                f"{'out_of_memory' if _out_of_memory(error) else 'error'}: {type(error).__name__}: {' '.join(str(error).split())[:500]}"
            )
        self._settled()
        if len(batch) == 1:
            log.warning("%s: %s", batch[0].request.key, reason)
            return [UnexpectedError(reason)]
        log.warning("%s: %d pictures together: %s; they are tried one by one", self.name, len(batch), reason)
        alone = [self._tried([work])[0] for work in batch]
        if reason.startswith("out_of_memory"):
            self.batch = len(batch) // 2
        elif any(isinstance(result, Image.Image) for result in alone):
            self.batch = 1  # this pipeline edits one picture a call
        return alone

    def _settled(self) -> None:
        """After a call that failed half-way: what it left in caches, hooks and memory is given back."""
        self.pipeline.maybe_free_model_hooks()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _called(self, batch: Sequence[Work]) -> list[Edited]:
        size = batch[0].image.size
        with working_at(self.pipeline, size), cache_context(self.pipeline):
            output = self.pipeline(**self._arguments(batch, size))
        pictures = output.images
        if len(pictures) != len(batch):
            raise RuntimeError(f"{type(self.pipeline).__name__} gave {len(pictures)} pictures for {len(batch)}")
        unsafe = getattr(output, "nsfw_content_detected", None) or [False] * len(batch)
        return [_picture(values, bool(flag), work.request) for values, flag, work in zip(pictures, unsafe, batch, strict=True)]

    def _arguments(self, batch: Sequence[Work], size: tuple[int, int]) -> dict[str, Any]:
        """The arguments of a call. A list of one is no list: some pipelines take a list for several views of one picture."""
        own: dict[str, list[Any]] = {
            "image": [work.image for work in batch],
            "prompt": [work.request.said(self.settings.language) for work in batch],
            # on the CPU, whatever the device: the same noise everywhere
            "generator": [torch.Generator("cpu").manual_seed(work.request.seed) for work in batch],
        }
        given = dict(self.settings.arguments)
        if isinstance(given.get("negative_prompt"), str):
            own["negative_prompt"] = [given.pop("negative_prompt")] * len(batch)
        width, height = size
        sized = {"width": width, "height": height, "max_area": width * height, "_auto_resize": False}
        return {
            **given,
            **{name: values[0] if len(batch) == 1 else values for name, values in own.items()},
            **{name: value for name, value in sized.items() if name in self.takes},
            "output_type": "np",
        }


def _picture(values: np.ndarray, unsafe: bool, request: EditRequest) -> Edited:
    """The picture of height x width x 3 values in 0 … 1, in its source's size."""
    if unsafe:
        return RowError("refused: the pipeline's safety checker")
    if not np.isfinite(values).all():
        return RowError("not_finite: the model gave values that are no numbers")
    image = Image.fromarray((values.clip(0, 1) * 255).round().astype(np.uint8)).convert("RGB")
    return image if image.size == request.image.size else image.resize(request.image.size, Image.Resampling.LANCZOS)


def _out_of_memory(error: Exception) -> bool:
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "out of memory" in str(error).lower()
