"""Verification by a trained verifier, in this process (engine ``transformers``)."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from unicedit.config.verify import TransformersSettings
from unicedit.map.stage import Row, RowError
from unicedit.schema import OK
from unicedit.scorers.models import device_of
from unicedit.verifier.blind import BlindReader, Weighed
from unicedit.verifier.chat import Form
from unicedit.verifier.identity import model_digest
from unicedit.verifier.load import Differential, load_verifier, recorded
from unicedit.verifier.reader import Pair, Reader, Reading
from unicedit.verify.models import blind_model_of, model_of
from unicedit.verify.port import Case
from unicedit.verify.reply import ShortReply, VerifyReply, parse_reply
from unicedit.vlm.reply import ReplyError, raw


class TrainedVerifier:
    """Reads pairs in batches with the model that the settings name, or else the one trained in this run (``trained``); with a blind weight, also with
    the base model (``base``).

    ``score`` of a verdict is log p(true) - log p(false) at the token of the reply that decides ``is_changed`` (joint over both models where two read),
    on the verdict's side of zero; ``VerifyStage.decide`` holds it against the threshold. An edit called unchanged keeps the instruction as asked.
    Raises ``EngineError`` where a model is missing or cannot be used.
    """

    def __init__(self, settings: TransformersSettings, attempts: int, trained: str | None = None, base: str | None = None) -> None:
        self.settings = settings
        self.attempts = attempts
        path = model_of(settings, trained)
        differential, form = recorded(path, revision=settings.revision)
        self.form: Form = form or "full"
        self.reader = self._open(path, settings.revision, differential or "none")
        self.name = f"{Path(path).name}@{model_digest(path, settings.revision)[:12]}"
        self.blind: BlindReader | None = None
        if settings.blind_weight:
            other = blind_model_of(settings, base)
            known, _ = recorded(other, revision=settings.blind_revision)
            # a stock model is the latent one before its training: the residual is zero
            sees: Differential = known or ("none" if differential == "latent" else differential) or "none"
            self.blind = BlindReader(self.reader, self._open(other, settings.blind_revision, sees), settings.blind_weight)

    def _open(self, path: str, revision: str | None, differential: Differential) -> Reader:
        settings = self.settings
        device = device_of(settings.device)
        if device == "cpu":
            from unicedit.verifier import cpu_speed

            cpu_speed.enable()
        # bfloat16 is slower than float32 on most CPUs, and its rounding lets neighbours in a batch change a reply
        dtype = settings.dtype if settings.dtype != "auto" else "float32" if device == "cpu" else "bfloat16"
        model, processor = load_verifier(path, differential=differential, revision=revision, dtype=dtype, device=device)
        return Reader(model, processor, differential, self.form, settings.max_new_tokens, settings.batch_size)

    def verify(self, cases: Sequence[Case]) -> list[Row | RowError]:
        """The verdict on each case."""
        return self.verdicts([Pair(case.key, case.source, case.edit, (case.instruction_en, case.instruction_cn)) for case in cases])

    def verdicts(self, pairs: Sequence[Pair]) -> list[Row | RowError]:
        """The columns of the verdict on each pair, or why there is none."""
        return self.reader.each(pairs, self._batch)

    def _batch(self, pairs: list[Pair]) -> list[Row | RowError]:
        informed = self.reader.generate(self.reader.inputs(pairs))
        blind = self.blind.read(pairs) if self.blind else None
        candidates = [[reading, *([blind[number]] if blind else [])] for number, reading in enumerate(informed)]
        chosen = self._chosen(pairs, candidates)
        results: list[Row | RowError] = []
        for number, pair in enumerate(pairs):
            answer = chosen[number]
            for attempt in range(1, self.attempts):
                if answer is not None:
                    break
                sampled = self.reader.generate(self.reader.inputs([pair]), seed=_seed(pair.key, attempt))
                candidates[number] = sampled
                answer = self._chosen([pair], [sampled])[0]
            results.append(self._row(pair, answer, candidates[number]) if answer else self._failed(candidates[number]))
        return results

    def _chosen(self, pairs: Sequence[Pair], candidates: Sequence[Sequence[Reading]]) -> list[Weighed | None]:
        if self.blind:
            return self.blind.weigh(pairs, candidates, self._fits)
        return [Weighed(reading.text, reading.margin) if self._fits(reading.text) else None for (reading,) in candidates]

    def _parsed(self, text: str) -> VerifyReply | ShortReply:
        return parse_reply(text, VerifyReply) if self.form == "full" else parse_reply(text, ShortReply)

    def _fits(self, text: str) -> bool:
        try:
            self._parsed(text)
        except ReplyError:
            return False
        return True

    def _failed(self, candidates: Sequence[Reading]) -> RowError:
        try:
            self._parsed(candidates[0].text)
        except ReplyError as error:
            return RowError(f"reply: {error} ({self.attempts} attempts)", raw=raw(candidates[0].text))
        raise AssertionError("a reply that fits was not taken")

    def _row(self, pair: Pair, answer: Weighed, candidates: Sequence[Reading]) -> Row:
        reply = self._parsed(answer.text)
        asked = pair.instruction or ("", "")
        restated = (reply.instruction_en, reply.instruction_cn) if reply.is_changed else asked
        return {
            "verifier": self.name,
            "source_caption": getattr(reply, "source_caption", None),
            "edit_caption": getattr(reply, "edit_caption", None),
            "differences": reply.differences,
            "is_changed": reply.is_changed,
            "prompt_en": restated[0] or None,
            "prompt_cn": restated[1] or None,
            "score": score_of(answer.margin, reply.is_changed),
            "raw": raw(json.dumps([reading.text for reading in candidates], ensure_ascii=False)) if self.blind else None,
            "status": OK,
        }


def score_of(margin: float | None, is_changed: bool) -> float | None:
    """A margin as the table keeps it: rounded, so that the order of sums on another machine does not show; never on the wrong side of zero."""
    if margin is None:
        return None
    return max(round(margin, 3), 0.001) if is_changed else min(round(margin, 3), 0.0)


def _seed(key: str, attempt: int) -> int:
    return int.from_bytes(hashlib.blake2b(f"{key} {attempt}".encode(), digest_size=4).digest(), "big")
