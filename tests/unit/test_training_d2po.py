"""D2PO and SFT through trl: the paper's loss exactly, a reference that never moves, and weights that load again."""

import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from made_training import job, samples_file
from made_verifier import tiny_verifier
from unicedit.config.d2po import D2poSettings
from unicedit.config.sft import SftSettings
from unicedit.config.training import LoraSettings
from unicedit.training.curves import read_curves
from unicedit.training.d2po import D2POTrainer
from unicedit.training.d2po_training import d2po_trainer
from unicedit.training.finish import save_trained
from unicedit.training.rows import preference_rows
from unicedit.training.sft import sft_trainer
from unicedit.verifier.load import load_verifier

MODES = ("none", "image", "latent")
SIZES = ((56, 56), (84, 56))
SHORT: dict[str, Any] = {"epochs": None, "steps": 3, "batch_size": 4, "freeze_vision": False}


@pytest.fixture(scope="module", autouse=True)
def stock_layers() -> Iterator[None]:
    """A training on a CPU puts faster layers in for the whole process."""
    from unicedit.verifier import cpu_speed

    yield
    cpu_speed.disable()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_verifier(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return samples_file(tmp_path_factory.mktemp("data") / "d2po.parquet", 12, "d2po", SIZES)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return samples_file(tmp_path_factory.mktemp("data") / "sft.parquet", 12, "sft", SIZES)


def moved(model: Any, scale: float = 0.02) -> Any:
    """A model whose weights differ a little from what they were."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += scale * torch.randn(parameter.shape, generator=generator)
    return model


def loss_of(trainer: Any, rows: range = range(4)) -> torch.Tensor:
    examples = [trainer.train_dataset[number] for number in rows]
    return trainer.compute_loss(trainer.model, trainer._prepare_inputs(trainer.data_collator(examples)))


def trained(trainer: Any) -> dict[str, torch.Tensor]:
    return {name: parameter.detach().clone() for name, parameter in trainer.model.named_parameters()}


def curve(folder: Path, name: str) -> list[float]:
    return [value for _, metric, value in read_curves(folder / "curves.csv") if metric == name]


@pytest.mark.parametrize("cached", [True, False])
def test_the_loss_without_c_v_is_trls_dpo_loss(
    base: Path, pairs: Path, tmp_path: Path, cached: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.dpo_trainer import DPOTrainer

    # with pictures of two frames, as trl has them: log-probabilities are sums of some -300, and the faster sum rounds otherwise
    monkeypatch.setattr("unicedit.training.d2po_training.takes_one_frame", lambda model: False)
    settings = D2poSettings(**SHORT, losses={"sigmoid": 1.0}, beta=0.1, unchanged=0)
    ours, _ = d2po_trainer(job(base, pairs, tmp_path / "ours", settings, cached_reference=cached))
    model, processor = load_verifier(str(base), differential="none", dtype=torch.float32)
    reference, _ = load_verifier(str(base), differential="none", dtype=torch.float32)
    table = preference_rows(pairs, "short", "none").dataset
    by_key = {table[number]["key"]: table[number] for number in range(len(table))}

    def decoded(number: int) -> dict[str, Any]:
        row = dict(by_key[ours.train_dataset[number]["key"]])
        row["images"] = [Image.open(io.BytesIO(image)) for image in row["images"]]
        del row["key"]
        return row

    from datasets import Dataset

    stock = DPOTrainer(
        model,
        reference,
        args=DPOConfig(
            output_dir=str(tmp_path / "stock"), beta=0.1, max_length=None, use_cpu=True, bf16=False, gradient_checkpointing=False, report_to=[], disable_tqdm=True
        ),
        train_dataset=Dataset.from_list([decoded(number) for number in range(4)]),
        processing_class=processor,
    )  # fmt: skip
    moved(ours.model)
    moved(stock.model)
    expected = stock.compute_loss(
        stock.model, stock._prepare_inputs(stock.data_collator([stock.train_dataset[number] for number in range(4)]))
    )
    found = loss_of(ours)
    assert abs(expected.item() - math.log(2)) > 0.01  # else this would compare constants
    assert found.item() == pytest.approx(expected.item(), abs=1e-6)
    # the gradients too: the pictures are computed once for both replies
    expected.backward()
    found.backward()
    for (name, one), (_, other) in zip(stock.model.named_parameters(), ours.model.named_parameters(), strict=True):
        assert torch.allclose(one.grad, other.grad, atol=1e-5, rtol=1e-3), name


@pytest.mark.parametrize("differential", MODES)
def test_the_first_loss_is_log_2_and_the_reference_stays_bit_for_bit(base: Path, pairs: Path, tmp_path: Path, differential: str) -> None:
    settings = D2poSettings(**SHORT, losses={"sigmoid": 1.0})
    trainer, _ = d2po_trainer(job(base, pairs, tmp_path, settings, differential, cached_reference=False))
    assert loss_of(trainer).item() == pytest.approx(math.log(2), abs=1e-5)
    before = {name: tensor.clone() for name, tensor in trainer.ref_model.state_dict().items()}
    policy = trained(trainer)
    trainer.train()
    assert all(torch.equal(tensor, before[name]) for name, tensor in trainer.ref_model.state_dict().items())
    still = [name for name, tensor in trained(trainer).items() if torch.equal(tensor, policy[name])]
    # the key's bias does not change an attention; the residual's first layer waits for its second to leave zero
    assert not [name for name in still if "k_proj.bias" not in name and ".visual." not in name and "differential" not in name]
    if differential == "latent":
        assert trainer.model.model.differential.outer.weight.abs().sum() > 0


@pytest.mark.parametrize("differential", MODES)
def test_cached_reference_is_the_live_one_and_is_read_back(base: Path, pairs: Path, tmp_path: Path, differential: str) -> None:
    settings = D2poSettings(**SHORT)
    live, _ = d2po_trainer(job(base, pairs, tmp_path / "live", settings, differential, cached_reference=False))
    folder = tmp_path / "cached"
    cached, _ = d2po_trainer(job(base, pairs, folder, settings, differential))
    assert cached.ref_model is None
    examples = [cached.train_dataset[number] for number in range(8)]
    batch = cached.data_collator(examples)
    chosen, rejected = live.compute_ref_log_probs(live.ref_model, live._prepare_inputs(live.data_collator(examples)))
    assert torch.allclose(batch["ref_chosen_logps"], chosen, atol=1e-3, rtol=0)  # of some -300
    assert torch.allclose(batch["ref_rejected_logps"], rejected, atol=1e-3, rtol=0)
    # a resumed training takes the file, whatever computed it
    from unicedit.training.reference import load_reference, save_reference

    known = load_reference(folder / "reference.safetensors")
    assert known is not None
    save_reference(folder / "reference.safetensors", dict.fromkeys(known, (1.0, 2.0)))
    again, _ = d2po_trainer(job(base, pairs, folder, settings, differential))
    assert again.data_collator(examples)["ref_rejected_logps"].tolist() == [2.0] * 8


def test_terms_and_weights_of_the_loss_add_up(base: Path, pairs: Path, tmp_path: Path) -> None:
    def first(name: str, losses: dict[str, float]) -> float:
        trainer, _ = d2po_trainer(job(base, pairs, tmp_path / name, D2poSettings(**SHORT, losses=losses)))  # type: ignore[arg-type]
        moved(trainer.model)
        return loss_of(trainer).item()

    sigmoid, sft = first("sigmoid", {"sigmoid": 1.0}), first("sft", {"sft": 1.0})
    assert first("both", {"sigmoid": 0.5, "sft": 2.0}) == pytest.approx(0.5 * sigmoid + 2 * sft, rel=1e-5)
    assert first("ipo", {"ipo": 1.0, "sft": 0.0}) not in (pytest.approx(sigmoid), pytest.approx(sft))


@pytest.mark.parametrize("stage", ["sft", "d2po"])
def test_in_how_many_parts_an_update_is_computed_decides_nothing(
    base: Path, pairs: Path, samples: Path, tmp_path: Path, stage: str
) -> None:
    settings = SftSettings(**SHORT) if stage == "sft" else D2poSettings(**SHORT, losses={"sigmoid": 1.0})
    for parts in (4, 1):
        job(base, samples if stage == "sft" else pairs, tmp_path / str(parts), settings, device_batch_size=parts).run()
    for name in ("loss", "grad_norm"):
        assert curve(tmp_path / "1", name) == pytest.approx(curve(tmp_path / "4", name), rel=1e-3)


def test_a_reference_must_be_given(base: Path, pairs: Path, tmp_path: Path) -> None:
    whole, _ = d2po_trainer(job(base, pairs, tmp_path, D2poSettings(**SHORT)))
    with pytest.raises(ValueError, match="ref_model must be given"):
        D2POTrainer(whole.model, None, data_collator=whole.data_collator, args=whole.args, train_dataset=whole.train_dataset)


@pytest.mark.parametrize("stage", ["sft", "d2po"])
def test_every_batch_that_reaches_the_model_tells_pictures_from_text(
    base: Path, pairs: Path, samples: Path, tmp_path: Path, stage: str
) -> None:
    made = (
        sft_trainer(job(base, samples, tmp_path, SftSettings(**SHORT)))
        if stage == "sft"
        else d2po_trainer(job(base, pairs, tmp_path, D2poSettings(**SHORT), cached_reference=False))
    )
    trainer = made[0]
    seen = []

    def note(module: Any, arguments: Any, given: dict[str, Any]) -> None:
        types, ids = given["mm_token_type_ids"], given["input_ids"]
        seen.append(torch.equal(types == 1, ids == module.config.image_token_id))

    for model in filter(None, (trainer.model, getattr(trainer, "ref_model", None))):
        model.model.register_forward_pre_hook(note, with_kwargs=True)
    trainer.train()
    assert len(seen) >= 3
    assert all(seen)


@pytest.mark.parametrize(("stage", "differential"), [("sft", "latent"), ("d2po", "none"), ("d2po", "latent")])
def test_adapters_train_and_are_merged(base: Path, pairs: Path, samples: Path, tmp_path: Path, stage: str, differential: str) -> None:
    chosen: dict[str, Any] = {**SHORT, "lora": LoraSettings(rank=4, alpha=8), "learning_rate": 0.02}
    settings = SftSettings(**chosen) if stage == "sft" else D2poSettings(**chosen, losses={"sigmoid": 1.0})
    build: Any = sft_trainer if stage == "sft" else d2po_trainer
    made = job(base, samples if stage == "sft" else pairs, tmp_path, settings, differential, cached_reference=False)
    trainer, _ = build(made)
    if stage == "d2po":
        assert loss_of(trainer).item() == pytest.approx(math.log(2), abs=1e-5)
    trainer.train()
    save_trained(trainer, made)
    before, after = (
        load_verifier(str(path), differential=differential, dtype=torch.float32)[0].state_dict()  # type: ignore[arg-type]
        for path in (base, tmp_path / "model")
    )
    changed = {name for name, tensor in after.items() if not torch.equal(tensor, before[name])}
    assert any("q_proj" in name for name in changed)
    assert not any(".visual." in name or "embed_tokens" in name or "lora" in name for name in changed)
    assert any("differential.outer" in name for name in changed) == (differential == "latent")
    # the merged weights compute what the adapters did
    whole = SftSettings(**SHORT)
    merged, _ = sft_trainer(job(tmp_path / "model", samples, tmp_path / "again", whole, differential))
    batch = merged._prepare_inputs(merged.data_collator([merged.train_dataset[number] for number in range(4)]))
    labels = batch.pop("labels")
    with torch.no_grad():
        one, other = (model.eval()(**batch, labels=labels, fused_lm_head=True).log_probs for model in (trainer.model, merged.model))
    assert torch.allclose(one, other, atol=1e-3)


def test_frozen_vision_stays(base: Path, samples: Path, tmp_path: Path) -> None:
    trainer, _ = sft_trainer(job(base, samples, tmp_path, SftSettings(**{**SHORT, "freeze_vision": True})))
    before = trained(trainer)
    trainer.train()
    changed = {name for name, tensor in trained(trainer).items() if not torch.equal(tensor, before[name])}
    assert changed
    assert not any(".visual." in name for name in changed)


# of the random tiny model: they change with its tokenizer, the question's wording and the order of rows, and with nothing else
GOLDEN = {
    ("sft", "none"): [6.6841, 6.4721, 6.5818],
    ("d2po", "none"): [0.6931, 0.8617, 0.4428],
    ("d2po", "latent"): [0.6931, 0.8605, 0.4447],
}


@pytest.mark.parametrize(("stage", "differential"), GOLDEN)
def test_losses_are_those_of_before(base: Path, pairs: Path, samples: Path, tmp_path: Path, stage: str, differential: str) -> None:
    sft = SftSettings(**SHORT, learning_rate=5e-4)
    settings = sft if stage == "sft" else D2poSettings(**SHORT, losses={"sigmoid": 1.0}, learning_rate=2e-3, unchanged=0)
    job(base, samples if stage == "sft" else pairs, tmp_path, settings, differential).run()
    assert curve(tmp_path, "loss") == pytest.approx(GOLDEN[stage, differential], abs=2e-3)
