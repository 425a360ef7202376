"""Batches of trl's vision trainers, from rows prepared once.

What reaches the model is what trl's own collators make, tensor by tensor (a test compares them), ``mm_token_type_ids`` included, without which the model's
positions go wrong in silence. But a row is prepared one time: later passes, and the two replies of a pair, take what is kept.
"""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image
from torch.nn.utils.rnn import pad_sequence

from unicedit.errors import PipelineError
from unicedit.training.cpu import one_frame
from unicedit.verifier.differential import differential_picture

if TYPE_CHECKING:
    from transformers import ProcessorMixin

Batch = dict[str, torch.Tensor]
_REPLIES = ("completion", "chosen", "rejected")


class Prepared:
    """Rows as token ids and pixel values, kept up to ``keep_mb`` megabytes. ``single``: pictures have one frame (``cpu.takes_one_frame``)."""

    def __init__(self, processor: "ProcessorMixin", differential: str, keep_mb: int, *, single: bool = False) -> None:
        self.processor = processor
        self.differential = differential
        self.single = single
        self.left = keep_mb * 1_000_000  # bytes
        self.kept: dict[str, Batch] = {}
        self.pad = int(processor.tokenizer.pad_token_id)

    def __call__(self, row: Mapping[str, Any]) -> Batch:
        """``prompt`` and the replies as token ids, ``types`` (``mm_token_type_ids`` of the prompt), ``pixel_values``, ``image_grid_thw``.

        Raises ``PipelineError`` for a picture that cannot be decoded.
        """
        key = row["key"]
        if key in self.kept:
            return self.kept[key]
        made = self._made(row)
        size = sum(value.nbytes for value in made.values())
        if size <= self.left:
            self.left -= size
            self.kept[key] = made
        return made

    def _made(self, row: Mapping[str, Any]) -> Batch:
        from trl.data_utils import apply_chat_template

        texts = apply_chat_template({name: value for name, value in row.items() if name in ("prompt", *_REPLIES)}, self.processor)
        made = self.processor(images=[self._images(row)], text=[texts["prompt"]], return_tensors="pt", add_special_tokens=False)
        replies = {
            name: torch.tensor(self.processor(text=[texts[name]], add_special_tokens=False)["input_ids"][0])
            for name in _REPLIES
            if name in texts
        }
        pictures = {name: made[name] for name in ("pixel_values", "image_grid_thw")}
        if self.single:
            pictures["pixel_values"] = one_frame(pictures["pixel_values"])
        return {"prompt": made["input_ids"][0], "types": made["mm_token_type_ids"][0], **pictures, **replies}

    def _images(self, row: Mapping[str, Any]) -> list[Image.Image]:
        try:
            images = [Image.open(io.BytesIO(image)).convert("RGB") for image in row["images"]]
        except (OSError, ValueError, TypeError, Image.DecompressionBombError) as error:
            raise PipelineError(
                f"training row {row['key']}: a picture cannot be decoded ({error}); remove the row or make it again"
            ) from error
        return [*images, differential_picture(*images)] if self.differential == "image" else images


class _Collator:
    def __init__(self, prepared: Prepared) -> None:
        self.prepared = prepared

    def _padded(self, rows: Sequence[Batch], replies: Sequence[torch.Tensor]) -> Batch:
        """Prompt and reply of each row one after another, padded on the right, with masks."""
        pairs = list(zip(rows, replies, strict=True))
        ids = [torch.cat([row["prompt"], reply]) for row, reply in pairs]
        types = [torch.cat([row["types"], torch.zeros_like(reply)]) for row, reply in pairs]
        completion = [torch.cat([torch.zeros_like(row["prompt"]), torch.ones_like(reply)]) for row, reply in pairs]
        return {
            "input_ids": pad_sequence(ids, batch_first=True, padding_value=self.prepared.pad),
            "attention_mask": pad_sequence([torch.ones_like(one) for one in ids], batch_first=True),
            "mm_token_type_ids": pad_sequence(types, batch_first=True),
            "completion_mask": pad_sequence(completion, batch_first=True),
        }


class SftCollator(_Collator):
    """Batches for ``SFTTrainer``: the loss is on the reply alone."""

    def __call__(self, examples: Sequence[Mapping[str, Any]]) -> Batch:
        rows = [self.prepared(example) for example in examples]
        batch = self._padded(rows, [row["completion"] for row in rows])
        batch["labels"] = batch["input_ids"].masked_fill(batch.pop("completion_mask") == 0, -100)
        return batch | {name: torch.cat([row[name] for row in rows]) for name in ("pixel_values", "image_grid_thw")}


class PreferenceCollator(_Collator):
    """Batches for ``DPOTrainer``: all preferred replies, then all rejected ones.

    With ``once``, ``pixel_values`` hold each pair's pictures one time, for a model under ``pictures_once``; else twice, as trl has them.
    """

    def __init__(self, prepared: Prepared, *, once: bool) -> None:
        super().__init__(prepared)
        self.once = once
        self.reference: Mapping[str, tuple[float, float]] | None = None  # log-probabilities of both replies under the reference, by row key

    def __call__(self, examples: Sequence[Mapping[str, Any]]) -> Batch:
        rows = [self.prepared(example) for example in examples]
        batch = self._padded(rows * 2, [row[name] for name in ("chosen", "rejected") for row in rows])
        batch["pixel_values"] = torch.cat([row["pixel_values"] for row in (rows if self.once else rows * 2)])
        batch["image_grid_thw"] = torch.cat([row["image_grid_thw"] for row in rows * 2])
        if self.reference is not None:
            known = torch.tensor([self.reference[example["key"]] for example in examples])
            batch["ref_chosen_logps"], batch["ref_rejected_logps"] = known.unbind(1)
        return batch
