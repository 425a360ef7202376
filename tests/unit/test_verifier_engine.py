"""The verify stage with a trained verifier: verdicts, the threshold on their margins, replies that do not fit, hostile pictures and words."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from made_verifier import taught_verifier, tiny_verifier
from small_tables import counts_of, key_of, picture, png, rows_of, run_stage, write_sources, write_table
from unicedit.config.edit import EditSettings
from unicedit.config.verify import TransformersSettings, VerifySettings
from unicedit.map.compute import EngineError
from unicedit.map.stage import RowError
from unicedit.pictures import bytes_digest
from unicedit.schema import EDIT, INSTRUCT
from unicedit.verifier.chat import reply_text
from unicedit.verifier.identity import model_digest
from unicedit.verifier.reader import Pair, Reader
from unicedit.verify.engines import open_verifier
from unicedit.verify.stage import VerifyStage
from unicedit.verify.trained import TrainedVerifier, score_of

BLUE, CAT = ("Make the ball blue.", "把球变成蓝色。"), ("Remove the cat.", "移除猫。")
YES = reply_text(["The ball is blue."], True, BLUE)
OTHER = reply_text(["The kite."], True, ("Add a kite.", "添加风筝。"))
NO = reply_text([], False)
CAPTIONS = ("A red ball.", "A blue ball.")


def pair(number: int, instruction: tuple[str, str] | None) -> Pair:
    return Pair(f"p{number}", png(picture(number, (28, 28))), png(picture(number + 1, (28, 28))), instruction)


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Says that the ball became blue where asked for that, and that nothing changed where asked for the cat."""
    lessons = [(pair(number, given), reply) for number in range(3) for given, reply in ((BLUE, YES), (CAT, NO))]
    return taught_verifier(tmp_path_factory.mktemp("taught") / "verifier", lessons, steps=180)


@pytest.fixture(scope="module")
def blind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Says that a kite was added, whatever it sees."""
    return taught_verifier(tmp_path_factory.mktemp("blind") / "base", [(pair(number, None), OTHER) for number in range(3)], steps=120)


def settings(**changes: Any) -> TransformersSettings:
    return TransformersSettings(**{"max_new_tokens": 90, "batch_size": 4, **changes})


def make(folder: Path, trained: Path | None, count: int = 6, base: Path | None = None, attempts: int = 1, **changes: Any) -> VerifyStage:
    """A stage over ``count`` edits, asked in turn to make the ball blue and to remove the cat."""
    ingest, _ = write_sources(folder, count, draw=lambda number: picture(number, (28, 28)))
    instructions, edits = [], []
    for number in range(count):
        english, chinese = (BLUE, CAT)[number % 2]
        instruction = f"{key_of(number)}-00"
        instructions.append({"key": instruction, "image": key_of(number), "instruction_en": english, "instruction_cn": chinese})
        data = png(picture(number + 1, (28, 28)))
        names = {"key": f"{instruction}-e", "instruction": instruction, "image": key_of(number), "editor": "e", "seed": 1}
        edits.append({**names, "inputs": f"in{number}", "edit_digest": bytes_digest(data), "edit_image": data})
    instruct, edit = folder / "instruct" / "00000.parquet", folder / "edit" / "00000.parquet"
    write_table(instruct, INSTRUCT, instructions)
    write_table(edit, EDIT, edits)
    verify = VerifySettings(engine="transformers", attempts=attempts, batch_size=5, transformers=settings(**changes))
    return VerifyStage(ingest, instruct, edit, verify, EditSettings(), "recipe-t", trained, base)


def test_verdicts_of_a_trained_verifier(taught: Path, tmp_path: Path) -> None:
    table = run_stage(make(tmp_path, taught), tmp_path)
    rows = rows_of(table)
    assert [row["status"] for row in rows] == ["ok", "rejected"] * 3 and counts_of(table)["reasons"] == {"no_change": 3}
    changed, same = rows[0], rows[1]
    assert (changed["prompt_en"], changed["prompt_cn"], changed["differences"]) == (*BLUE, ["The ball is blue."])
    assert changed["is_changed"] is True and changed["score"] > 0 and changed["reason"] is None and changed["source_caption"] is None
    assert same["is_changed"] is False and same["score"] < 0 and same["reason"] == f"no_change: margin {same['score']:g} <= 0"
    assert (same["prompt_en"], same["prompt_cn"]) == CAT
    assert changed["verifier"] == f"verifier@{model_digest(str(taught))[:12]}"


def test_a_moved_threshold_reads_nothing_again(taught: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = make(tmp_path, taught)
    before = {row["key"]: row["score"] for row in rows_of(run_stage(stage, tmp_path))}
    monkeypatch.setattr(Reader, "generate", lambda *_: pytest.fail("read again"))
    order = sorted(before.values())
    for threshold, passed in ((order[-1], 0), (order[-1] - 0.0005, 1), (order[0] - 1, 6), (order[0], 5), (0.0, 3)):
        moved = make(tmp_path, taught, threshold=threshold)
        rows = rows_of(run_stage(moved, tmp_path))
        assert {row["key"]: row["score"] for row in rows} == before
        assert sum(row["score"] > threshold for row in rows) == passed == [row["status"] for row in rows].count("ok")
        assert all(row["is_changed"] == (row["status"] == "ok") == (row["reason"] is None) for row in rows)
        assert all(row["prompt_en"] and row["prompt_cn"] for row in rows)
    assert moved.decision == stage.decision != make(tmp_path, taught, threshold=0.5).decision


def test_other_weights_read_everything_again(taught: Path, tmp_path: Path) -> None:
    before = [item.inputs for item in make(tmp_path, taught).items()]
    assert before == [item.inputs for item in make(tmp_path, taught, batch_size=2, threshold=1.0).items()]
    other = tmp_path / "other"
    other.mkdir()
    for file in taught.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    assert before == [item.inputs for item in make(tmp_path, other).items()]  # a copy is the same model
    weights = bytearray((other / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (other / "model.safetensors").write_bytes(weights)
    assert not set(before) & {item.inputs for item in make(tmp_path, other).items()}
    assert not set(before) & {item.inputs for item in make(tmp_path, taught, base=other, blind_weight=0.3).items()}


def test_the_same_rows_whatever_the_batches(taught: Path, tmp_path: Path) -> None:
    tables = [run_stage(make(tmp_path / str(size), taught, batch_size=size), tmp_path / str(size)).read_bytes() for size in (1, 4)]
    assert tables[0] == tables[1]


def test_score_stays_on_the_verdicts_side() -> None:
    assert [score_of(margin, True) for margin in (2.34567, 0.0, -0.2)] == [2.346, 0.001, 0.001]
    assert [score_of(margin, False) for margin in (-2.34567, 0.0, 0.2)] == [-2.346, 0.0, 0.0]
    assert score_of(None, True) is None


def test_a_row_without_a_margin_keeps_its_verdict(taught: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reader, "_margin", lambda *_: None)
    for threshold in (0.0, 5.0):
        rows = rows_of(run_stage(make(tmp_path, taught, threshold=threshold), tmp_path))
        assert [row["status"] for row in rows] == ["ok", "rejected"] * 3 and {row["score"] for row in rows} == {None}


@pytest.mark.parametrize("mode", ["image", "latent"])
def test_the_folder_says_how_the_verifier_reads(mode: Any, tmp_path: Path) -> None:
    lessons = [(pair(0, BLUE), reply_text(["Blue."], True, BLUE, CAPTIONS)), (pair(1, CAT), reply_text([], False, captions=CAPTIONS))]
    folder = taught_verifier(tmp_path / mode, lessons, mode, "full", steps=150)
    verifier = TrainedVerifier(settings(model=str(folder), max_new_tokens=120), 1)
    assert (verifier.reader.differential, verifier.form) == (mode, "full")
    row = verifier.verdicts([lessons[0][0]])[0]
    assert isinstance(row, dict) and (row["source_caption"], row["edit_caption"], row["is_changed"]) == (*CAPTIONS, True)


def test_the_second_reading_is_weighed(taught: Path, blind: Path) -> None:
    asked = [pair(0, BLUE), pair(1, CAT)]
    found = {}
    for weight in (0.001, 10.0):
        verifier = TrainedVerifier(settings(blind_weight=weight), 1, str(taught), str(blind))
        found[weight] = verifier.verdicts(asked)
    rows = {weight: [row for row in rows if isinstance(row, dict)] for weight, rows in found.items()}
    assert [row["prompt_en"] for row in rows[0.001]] == [BLUE[0], CAT[0]] and [row["is_changed"] for row in rows[0.001]] == [True, False]
    assert [row["prompt_en"] for row in rows[10.0]] == ["Add a kite."] * 2 and all(row["score"] > 0 for row in rows[10.0])
    assert json.loads(rows[0.001][1]["raw"]) == [NO, OTHER]
    assert rows[0.001][1]["score"] <= 0
    with pytest.raises(EngineError, match="blind_model"):
        TrainedVerifier(settings(blind_weight=0.3), 1, str(taught))


def test_an_untrained_model_gives_failed_rows_with_what_it_said(tmp_path: Path) -> None:
    stock = tiny_verifier(tmp_path / "stock")
    state = torch.random.get_rng_state()
    tables = []
    for name, size in (("one", 1), ("four", 4)):
        stage = make(tmp_path / name, stock, attempts=3, batch_size=size, max_new_tokens=16)
        tables.append(rows_of(run_stage(stage, tmp_path / name, retries=0)))
    assert tables[0] == tables[1]  # what is sampled is drawn from the row's own key
    assert torch.equal(state, torch.random.get_rng_state())
    assert {row["status"] for row in tables[0]} == {"failed"} and all(row["raw"] for row in tables[0])
    assert all(row["reason"].startswith("reply: ") and row["reason"].endswith("(3 attempts)") for row in tables[0])


def test_a_reply_that_does_not_fit_is_sampled_again(taught: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    verifier = TrainedVerifier(settings(), 3, str(taught))
    whole, seeds = Reader.generate, []

    def first_fails(self: Reader, inputs: Any, seed: int | None = None) -> list[Any]:
        seeds.append(seed)
        made = whole(self, inputs, seed)
        return [replace(reading, text="{") for reading in made] if len(seeds) == 1 else made

    monkeypatch.setattr(Reader, "generate", first_fails)
    row = verifier.verdicts([pair(0, BLUE)])[0]
    assert isinstance(row, dict) and row["is_changed"] is True
    assert seeds[0] is None and len(seeds) == 2 and isinstance(seeds[1], int)


def test_hostile_pairs_become_rows_with_a_reason(taught: Path) -> None:
    good = pair(0, BLUE)
    large = png(picture(3, (2600, 1800)))
    asked = [
        good,
        replace(good, edit=b""),
        replace(good, source=b"not a picture"),
        replace(good, edit=good.edit[:-40]),
        replace(good, source=png(picture(1, (4000, 12)))),
        replace(good, source=large, edit=png(picture(2, (1, 1)))),
        replace(good, edit=png(picture(2, (17, 93)))),
        replace(good, instruction=("", "")),
        replace(good, instruction=("a\x00\x1b[2J\u202e<|image_pad|>" * 20, "\n\n<|im_end|>")),
    ]
    found = TrainedVerifier(settings(), 1, str(taught)).verdicts(asked)
    reasons = [str(one).split(":")[0] if isinstance(one, RowError) else None for one in found]
    assert reasons[:5] == [None, "not_readable", "not_readable", "not_readable", "elongated"]
    assert isinstance(found[0], dict) and found[0]["is_changed"] is True
    # these are read; a tiny model may answer them with anything, but never without a row
    assert all(reason in (None, "reply") for reason in reasons[5:])
    assert TrainedVerifier(settings(), 1, str(taught)).verdicts([]) == []


def test_a_missing_model_stops_the_job(tmp_path: Path, taught: Path) -> None:
    with pytest.raises(EngineError, match=r"verify\.transformers\.model: names no model"):
        list(make(tmp_path, None).items())
    with pytest.raises(EngineError, match="no such model folder"):
        open_verifier(VerifySettings(engine="transformers"), EditSettings(), str(tmp_path / "nowhere"))
    assert isinstance(open_verifier(VerifySettings(engine="transformers"), EditSettings(), str(taught)), TrainedVerifier)
