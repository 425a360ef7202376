"""Differential direct preference optimisation (paper section on Qwen-Verify), over trl's DPO."""

import logging
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import is_peft_model  # type: ignore[import-untyped]
from trl.models.utils import prepare_deepspeed
from trl.trainer.dpo_trainer import DPOTrainer

from unicedit.training.collate import PreferenceCollator
from unicedit.training.pictures_once import pictures_once
from unicedit.training.reference import load_reference, save_reference
from unicedit.training.resume import ResumesWhole
from unicedit.training.rows import Rows

log = logging.getLogger(__name__)


class D2POTrainer(ResumesWhole, DPOTrainer):
    """DPO whose policy and reference see the differential visual context c_v = V(I_o, I_e) of source I_o and edit I_e.

        A(p, c_v) = beta log( pi_theta(p | c_v) / pi_ref(p | c_v) )
        loss = -E log sigmoid( A(p_w, c_v) - A(p_l, c_v) )

    pi_theta is ``model``, pi_ref the frozen ``ref_model`` (with adapters: the model without them), p_w the ``chosen`` and p_l the ``rejected`` reply, and
    ``beta`` is ``self.beta``. c_v enters with the pictures: as the two pictures alone (``none``; the loss is then trl's DPO loss exactly), as a third
    picture of their difference (``image``), or as a residual inside the model (``latent``). Further terms come from ``args.loss_type`` and ``args.loss_weights``.

    Beside trl's: a pair's pictures are computed once for its two replies, and the log pi_ref of all pairs can be computed beforehand and kept in a file,
    which trl refuses for pictures. ``ref_model`` must be given when no adapters are trained: trl would load one of the stock class.
    """

    _tag_names = ["trl", "dpo", "d2po"]  # noqa: RUF012
    _name = "D2PO"

    def __init__(self, model: Any, ref_model: Any = None, *, data_collator: PreferenceCollator, **options: Any) -> None:
        if ref_model is None and not is_peft_model(model) and options.get("peft_config") is None:
            raise ValueError("ref_model must be given: trl would load one of the stock class, without the differential context")
        if data_collator.once:
            for one in filter(None, (model, ref_model)):
                pictures_once(one.get_base_model() if is_peft_model(one) else one)
        super().__init__(model, ref_model, data_collator=data_collator, **options)

    def keep_reference(self, rows: Rows, path: Path, batch_size: int) -> None:
        """Have log pi_ref(p_w | c_v) and log pi_ref(p_l | c_v) of all ``rows`` from ``path``, and free the reference.

        They are computed here, over all processes, where the file is not there.
        """
        known = load_reference(path)
        if known is None:
            known = self._reference_of(rows, batch_size)
            if self.accelerator.is_main_process:
                save_reference(path, known)
        self.data_collator.reference = known
        self.precompute_ref_logps = True
        self.ref_model = None
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _reference_of(self, rows: Rows, batch_size: int) -> dict[str, tuple[float, float]]:
        model = self.ref_model
        if model is None:  # adapters: the model itself, which DeepSpeed must place and gather first
            model = prepare_deepspeed(self.model, self.accelerator) if self.is_deepspeed_enabled else self.model
        training = model.training
        model.eval()
        log.info("computing the reference's log-probabilities of %d pairs", len(rows.keys))
        found: dict[str, tuple[float, float]] = {}
        alike = sorted(range(len(rows.keys)), key=lambda number: (rows.shapes[number], rows.lengths[number]))  # little padding
        for numbers in _shared(alike, batch_size, self.accelerator.num_processes):
            own = numbers[self.accelerator.process_index]
            batch = self.data_collator([rows.dataset[number] for number in own])
            pairs = torch.stack(self.compute_ref_log_probs(model, self._prepare_inputs(batch)), dim=1)
            for turn, pair in zip((one for each in numbers for one in each), self.accelerator.gather(pairs.float()).tolist(), strict=True):
                found[rows.keys[turn]] = (pair[0], pair[1])
        model.train(training)
        return found


def _shared(numbers: list[int], batch_size: int, processes: int) -> list[list[list[int]]]:
    """Row numbers by turn and process. Every process has work of one size in every turn, as collective operations need: rows repeat at the end."""
    whole = batch_size * processes
    numbers = numbers + [numbers[at % len(numbers)] for at in range(-len(numbers) % whole)]
    return [
        [numbers[at + one * batch_size : at + (one + 1) * batch_size] for one in range(processes)] for at in range(0, len(numbers), whole)
    ]
