"""What a training is given: rows from the table of samples, their order, and batches equal to trl's own."""

import io
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from made_training import job, sample, samples_file
from made_verifier import tiny_verifier
from unicedit.config.sft import SftSettings
from unicedit.errors import PipelineError
from unicedit.training.collate import PreferenceCollator, Prepared, SftCollator
from unicedit.training.order import order, updates
from unicedit.training.rows import preference_rows, sft_rows
from unicedit.training.schema import SAMPLES
from unicedit.verifier.load import load_processor
from unicedit.verify.reply import ShortReply, VerifyReply, parse_reply

SIZES = ((56, 56), (84, 56))


@pytest.fixture(scope="module")
def processor(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load_processor(str(tiny_verifier(tmp_path_factory.mktemp("base"))))


def decoded(rows: Any, count: int) -> list[dict[str, Any]]:
    """Rows as trl's own collators take them, with decoded pictures."""
    found = [dict(rows.dataset[number]) for number in range(count)]
    for row in found:
        row["images"] = [Image.open(io.BytesIO(image)) for image in row["images"]]
        del row["key"]
    return found


def same(ours: dict[str, Any], stock: Any) -> None:
    """Equal tensor by tensor; what stands in padding is nobody's business."""
    assert ours.keys() == stock.keys()
    assert torch.equal(ours["attention_mask"], stock["attention_mask"])
    for name, tensor in stock.items():
        assert ours[name].dtype == tensor.dtype, name
        read = stock["attention_mask"] if name == "input_ids" else 1
        assert torch.equal(ours[name] * read, tensor * read), name


def write(path: Path, rows: list[dict[str, Any]], schema: pa.Schema = SAMPLES) -> Path:
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    return path


def test_sft_takes_the_kinds_asked_for_and_teaches_the_true_reply(tmp_path: Path) -> None:
    data = samples_file(tmp_path / "d2po.parquet", 9, "d2po")
    rows = sft_rows(data, ["normal", "hallucination"], "full", "none", cache=tmp_path / "cache")
    assert {key.split("-")[1] for key in rows.keys} == {"normal", "hallucination"}
    row = rows.dataset[1]
    assert row["key"] == "d2po-hallucination-0002"
    reply = parse_reply(row["completion"][0]["content"][0]["text"], VerifyReply)
    told = sample(2, "hallucination", "d2po")
    assert (reply.is_changed, reply.instruction_en) == (True, told["true_en"])
    assert told["given_en"] in row["prompt"][0]["content"][-1]["text"]
    assert told["given_en"] != told["true_en"]


@pytest.mark.parametrize("kind", ["normal", "no_edit", "hallucination"])
def test_the_preferred_reply_is_true_and_the_rejected_one_claims_what_did_not_happen(tmp_path: Path, kind: str) -> None:
    told = sample(4, kind, "d2po")
    rows = preference_rows(write(tmp_path / "one.parquet", [told]), "short", "none")
    chosen, rejected = (parse_reply(rows.dataset[0][name][0]["content"][0]["text"], ShortReply) for name in ("chosen", "rejected"))
    assert chosen.is_changed == told["is_changed"]
    assert chosen.instruction_en == (told["true_en"] or "")
    assert (rejected.is_changed, rejected.instruction_en) == (True, told["rejected_en"])


def replies(row: dict[str, Any]) -> tuple[tuple[bool, str], tuple[bool, str]]:
    """Verdict and English instruction of the preferred and of the rejected reply."""
    chosen, rejected = (parse_reply(row[name][0]["content"][0]["text"], ShortReply) for name in ("chosen", "rejected"))
    return (chosen.is_changed, chosen.instruction_en), (rejected.is_changed, rejected.instruction_en)


@pytest.mark.parametrize("ranked", [False, True])
def test_each_right_wording_is_preferred_and_the_kinds_keep_their_shares(tmp_path: Path, ranked: bool) -> None:
    told = sample(3, "normal", "d2po"), sample(5, "hallucination", "d2po"), sample(4, "no_edit", "d2po")
    for row, count in zip(told, (2, 1, 0), strict=True):
        row["other_wordings"] = [{"en": f"Wording {number}.", "cn": f"说法{number}。"} for number in range(count)]
    rows = preference_rows(write(tmp_path / "pairs.parquet", list(told)), "short", "none", wordings=3, ranked=ranked)
    copies = 5 if ranked else 3
    assert len(rows.keys) == len(rows.lengths) == len(rows.shapes) == len(rows.dataset) == 3 * copies
    assert len(set(rows.keys)) == 3 * copies and [rows.dataset[number]["key"] for number in range(3 * copies)] == list(rows.keys)
    assert rows.keys[:3] == [row["key"] for row in told]

    def pairs(at: int) -> list[tuple[tuple[bool, str], tuple[bool, str]]]:
        return [replies(rows.dataset[3 * copy + at]) for copy in range(copies)]

    own, wrong = (True, told[0]["true_en"]), (True, told[0]["rejected_en"])
    first, second = (True, "Wording 0."), (True, "Wording 1.")
    assert pairs(0) == [(own, wrong), (first, wrong), (second, wrong), *([(own, first), (own, second)] if ranked else [])]
    own, wrong = (True, told[1]["true_en"]), (True, told[1]["rejected_en"])
    around = [(own, wrong), (first, wrong), *([(own, first)] if ranked else [])]
    assert pairs(1) == [around[copy % len(around)] for copy in range(copies)]
    assert set(pairs(2)) == {((False, ""), (True, told[2]["rejected_en"]))}


def test_a_share_of_the_pairs_about_a_real_change_rejects_that_nothing_changed(tmp_path: Path) -> None:
    told = [sample(number, kind, "d2po") for number in range(100) for kind in ("normal", "no_edit")]
    rows = preference_rows(write(tmp_path / "pairs.parquet", told), "short", "none", unchanged=0.5)
    pairs = [replies(rows.dataset[number]) for number in range(200)]
    overlooked = [rejected == (False, "") for _, rejected in pairs]
    assert 35 <= sum(overlooked[::2]) <= 65 and not any(overlooked[1::2])
    for row, (chosen, rejected), one in zip(told, pairs, overlooked, strict=True):
        assert chosen == (row["is_changed"], row["true_en"] or "")
        assert one or rejected == (True, row["rejected_en"])


def test_a_share_of_the_rows_is_asked_without_the_instruction(tmp_path: Path) -> None:
    data = samples_file(tmp_path / "sft.parquet", 200, "sft")
    rows = sft_rows(data, ["normal", "no_edit"], "short", "none", withheld=0.25)
    texts = [rows.dataset[number]["prompt"][0]["content"][-1]["text"] for number in range(200)]
    assert 30 <= sum("withheld" in text for text in texts) <= 70
    again = sft_rows(data, ["normal", "no_edit"], "short", "none", withheld=0.25)
    assert [again.dataset[number]["prompt"][0]["content"][-1]["text"] for number in range(200)] == texts


def test_a_picture_of_the_difference_is_asked_for_and_shown(tmp_path: Path, processor: Any) -> None:
    rows = sft_rows(samples_file(tmp_path / "sft.parquet", 2, "sft"), ["normal", "no_edit"], "short", "image")
    assert [part["type"] for part in rows.dataset[0]["prompt"][0]["content"]] == ["image"] * 3 + ["text"]
    batch = SftCollator(Prepared(processor, "image", 64))([rows.dataset[0], rows.dataset[1]])
    assert len(batch["image_grid_thw"]) == 6
    shown = batch["pixel_values"].view(6, -1)
    assert not torch.equal(shown[2], shown[5])  # a normal edit's difference is no even grey
    assert shown[5].view(16, 3, -1).std(-1).max() < 1e-6  # that of nothing is


def test_sft_batches_are_those_of_trl(tmp_path: Path, processor: Any) -> None:
    from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling

    rows = sft_rows(samples_file(tmp_path / "sft.parquet", 6, "sft", SIZES), ["normal", "no_edit"], "short", "none")
    stock = DataCollatorForVisionLanguageModeling(processor, completion_only_loss=True)(decoded(rows, 6))
    ours = SftCollator(Prepared(processor, "none", 64))([rows.dataset[number] for number in range(6)])
    assert {"mm_token_type_ids", "labels"} <= ours.keys()
    same(ours, stock)


@pytest.mark.parametrize("keep_mb", [0, 64])
def test_preference_batches_are_those_of_trl(tmp_path: Path, processor: Any, keep_mb: int) -> None:
    from trl.trainer.dpo_trainer import DataCollatorForVisionPreference

    rows = preference_rows(samples_file(tmp_path / "d2po.parquet", 6, "d2po", SIZES), "short", "none")
    stock = DataCollatorForVisionPreference(processor)(decoded(rows, 6))
    collator = PreferenceCollator(Prepared(processor, "none", keep_mb), once=False)
    examples = [rows.dataset[number] for number in range(6)]
    for _ in range(2):  # prepared, and taken from what is kept
        ours = collator(examples)
        assert {"mm_token_type_ids", "completion_mask"} <= ours.keys()
        same(ours, stock)
    once = PreferenceCollator(collator.prepared, once=True)(examples)
    assert torch.equal(torch.cat([once["pixel_values"]] * 2), stock["pixel_values"])
    assert torch.equal(once["image_grid_thw"], stock["image_grid_thw"])


def test_pictures_are_kept_within_their_bound(tmp_path: Path, processor: Any) -> None:
    rows = sft_rows(samples_file(tmp_path / "sft.parquet", 8, "sft"), ["normal", "no_edit"], "short", "none")
    prepared = Prepared(processor, "none", 0)
    prepared.left = 3 * (2 * 16 * 1176 * 4 + 6000)  # three rows of two pictures of 16 patches, and their texts
    SftCollator(prepared)([rows.dataset[number] for number in range(8)])
    assert len(prepared.kept) == 3


def test_every_row_comes_once_before_any_comes_twice() -> None:
    shapes = [("wide", "tall", "square")[number % 3] for number in range(96)]
    numbers = order(shapes, [number % 7 for number in range(96)], 8, 24, seed=1)
    for start in (0, 96):
        assert sorted(numbers[start : start + 96]) == list(range(96))
    assert numbers[:96] != numbers[96:]


def test_rows_of_a_batch_are_of_one_shape_and_about_one_length() -> None:
    shapes = [("wide", "tall")[number % 5 == 0] for number in range(640)]
    lengths = [(number * 37) % 100 for number in range(640)]
    numbers = order(shapes, lengths, 16, 40, seed=3)
    batches = [numbers[at : at + 16] for at in range(0, 640, 16)]
    assert all(len({shapes[one] for one in batch}) == 1 for batch in batches)
    spread = sum(max(lengths[one] for one in batch) - min(lengths[one] for one in batch) for batch in batches) / 40
    assert spread < 30  # at random it would be 88


def test_the_order_follows_from_the_seed_and_fills_the_last_batch() -> None:
    arguments = (["a"] * 10, [0] * 10, 4, 6)
    assert order(*arguments, seed=1) == order(*arguments, seed=1) != order(*arguments, seed=2)
    assert len(order(*arguments, seed=1)) == 24
    assert set(order(["a"] * 3, [0] * 3, 8, 2, seed=0)) == {0, 1, 2}
    assert Counter(order(*arguments, seed=1)[:12]).most_common(1)[0][1] <= 2


@pytest.mark.parametrize(("steps", "epochs", "expected"), [(7, None, 7), (None, 1.0, 31), (None, 0.01, 1), (None, 2.5, 78)])
def test_epochs_and_steps_say_how_long(steps: int | None, epochs: float | None, expected: int) -> None:
    assert updates(1000, 32, steps, epochs) == expected


def broken(name: str, **changed: Any) -> dict[str, Any]:
    return {**sample(0, name, "d2po"), **changed}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([broken("normal", status="failed")], "none of its 1 rows is ok"),
        (
            [broken("normal", rejected_en="Make it blue.", rejected_cn="变成蓝色。", rejected_differences=["red became blue"])],
            "the rejected reply is the true one",
        ),
        ([broken("normal", source_image=b"no picture")], "source_image is no picture"),
        ([broken("normal", edit_image=sample(0, "normal", "d2po")["edit_image"][:60])], "a picture cannot be decoded"),
        ([broken("normal", differences=["x" * 100_000])], "d2po-normal-0000: its texts make no short reply"),
    ],
)
def test_a_bad_row_is_named_with_its_remedy(tmp_path: Path, processor: Any, rows: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(PipelineError) as caught:
        made = preference_rows(write(tmp_path / "bad.parquet", rows), "short", "none")
        PreferenceCollator(Prepared(processor, "none", 0), once=True)([made.dataset[0]])
    assert said in str(caught.value)
    assert any(remedy in str(caught.value) for remedy in ("make ", "remove"))


def test_a_bad_file_is_named_with_its_remedy(tmp_path: Path) -> None:
    settings = SftSettings()

    def said(path: Path) -> str:
        with pytest.raises(PipelineError) as caught:
            sft_rows(path, settings.kinds, "short", "none")
        assert str(path) in str(caught.value)
        return str(caught.value)

    assert "no such file; run the target" in said(tmp_path / "gone.parquet")
    (tmp_path / "text.parquet").write_text("not a table")
    assert "not a readable Parquet file" in said(tmp_path / "text.parquet")
    pq.write_table(pa.table({"key": ["a"]}), tmp_path / "other.parquet")
    assert "has no column kind" in said(tmp_path / "other.parquet")
    wrong = SAMPLES.set(SAMPLES.get_field_index("is_changed"), pa.field("is_changed", pa.string()))
    assert "column is_changed is string" in said(write(tmp_path / "typed.parquet", [broken("normal", is_changed="yes")], wrong))
    only = [broken("hallucination")]
    assert "of the kinds normal, no_edit" in said(write(tmp_path / "kinds.parquet", only))


def test_a_training_on_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"gone\.parquet: no such file"):
        job(tmp_path, tmp_path / "gone.parquet", tmp_path / "run", SftSettings()).run()


def test_one_frame_stands_for_two_equal_ones(tmp_path: Path, processor: Any) -> None:
    from unicedit.verifier import cpu_speed
    from unicedit.verifier.load import load_verifier

    model, _ = load_verifier(str(tiny_verifier(tmp_path / "base")), differential="none", dtype=torch.float32)
    rows = sft_rows(samples_file(tmp_path / "sft.parquet", 4, "sft", SIZES), ["normal", "no_edit"], "short", "none")
    batches = [
        SftCollator(Prepared(processor, "none", 64, single=single))([rows.dataset[number] for number in range(4)])
        for single in (False, True)
    ]
    assert batches[1]["pixel_values"].numel() * 2 == batches[0]["pixel_values"].numel()
    with torch.no_grad():
        stock = model(**batches[0]).logits
        cpu_speed.enable()
        try:
            faster = model(**batches[1]).logits
        finally:
            cpu_speed.disable()
    assert torch.allclose(stock, faster, atol=1e-4)
