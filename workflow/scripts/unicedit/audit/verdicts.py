"""A trained verifier's word on rows: did a valid edit take place?"""

from collections.abc import Sequence
from typing import Any

from unicedit.audit.measure import as_png
from unicedit.audit.row import Row
from unicedit.config.verify import VerifySettings
from unicedit.map.stage import RowError
from unicedit.verifier.identity import model_digest
from unicedit.verifier.reader import Pair


class Verdicts:
    """Reads pairs with the model in a folder. Raises ``EngineError`` where it cannot be used."""

    def __init__(self, model: str) -> None:
        from unicedit.verify.trained import TrainedVerifier

        settings = VerifySettings.model_validate({"engine": "transformers", "transformers": {"model": model}})
        self.digest = model_digest(model)
        self._verifier = TrainedVerifier(settings.transformers, settings.attempts)

    def add(self, rows: Sequence[Row], facts: Sequence[dict[str, Any]]) -> None:
        """Note the verdict on each row whose pictures were read, or why there is none."""
        able = [number for number, one in enumerate(facts) if one["source_pixels"] and one["edit_pixels"]]
        for number, verdict in zip(able, self._verifier.verdicts([_pair(rows[number]) for number in able]), strict=True):
            if isinstance(verdict, RowError):
                facts[number]["verifier_fault"] = str(verdict)
            else:
                facts[number]["is_changed"] = verdict["is_changed"]


def _pair(row: Row) -> Pair:
    assert isinstance(row.source, bytes) and isinstance(row.edit, bytes)
    asked = (row.instruction_en or "", row.instruction_cn or "")
    return Pair(row.place, as_png(row.source), as_png(row.edit), asked if any(asked) else None)
