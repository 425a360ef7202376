"""A trained verifier's word in an audit: which edits show no valid change. What the verifier itself says is tested with it."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from made_audit import clean, write
from unicedit.audit.audit import audit
from unicedit.audit.wishes import Wishes
from unicedit.map.stage import RowError
from unicedit.taxonomy import load as load_taxonomy
from unicedit.triplets.mapping import load
from unicedit.verifier.reader import Pair

ROOT = Path(__file__).parents[2]
OURS = load(ROOT / "config" / "datasets" / "ours.yaml")


class Sceptic:
    """Sees no change where the instruction speaks of pattern 1, and gives no reply on pattern 2."""

    def __init__(self, settings: Any, attempts: int) -> None:
        assert settings.model == "some/model"

    def verdicts(self, pairs: Sequence[Pair]) -> list[dict[str, Any] | RowError]:
        found: list[dict[str, Any] | RowError] = []
        for pair in pairs:
            assert pair.instruction is not None
            assert all(Image.open(io.BytesIO(content)).format == "PNG" for content in (pair.source, pair.edit))
            fails = "pattern 2." in pair.instruction[0]
            found.append(RowError("reply: no JSON") if fails else {"is_changed": "图案1。" not in pair.instruction[1]})
        return found


def test_edits_without_a_change_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unicedit.verify.trained.TrainedVerifier", Sceptic)
    monkeypatch.setattr("unicedit.audit.verdicts.model_digest", lambda model: "0" * 32)
    rows = clean(load_taxonomy(ROOT / "config" / "taxonomy.yaml"), each=1)[:5]
    stream = io.BytesIO()
    Image.open(io.BytesIO(rows[0]["src_image"]["bytes"])).save(stream, "TIFF")
    rows[0]["src_image"] = {"bytes": stream.getvalue(), "path": None}
    rows[4]["edit_image"] = {"bytes": b"torn", "path": None}
    write(tmp_path / "dataset", rows)
    wishes = Wishes(None, verified=True)
    found = {one.check: one for one in audit(tmp_path / "dataset", OURS, tmp_path / "audit", wishes, verifier="some/model")}
    denied = found["no edit, by verifier"]
    assert (denied.examples, denied.count, denied.of) == (("0001",), 1, 3)
    assert denied.figures == {"failed": 1}
    assert found["unreadable pictures"].count == 1
