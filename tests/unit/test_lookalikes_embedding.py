"""Look-alikes by embedding: what the towers give, what of it is a hit, and that all this is left out where no embedding is configured."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from pydantic import ValidationError

from made_scorers import classifier, embedding_model
from unicedit.check_files import check_files
from unicedit.cluster.check import wants_gpu
from unicedit.config.contamination import ContaminationSettings, EmbeddingSettings
from unicedit.config.ingest import EncodingSettings
from unicedit.config.model import Config, parse
from unicedit.errors import ConfigError, PipelineError
from unicedit.ingest.hashes import pixel_digest
from unicedit.lookalikes.find import CROP, EMBEDDING, EXACT, Lookalike, References
from unicedit.lookalikes.references import write_references
from unicedit.lookalikes.schema import LOOKALIKES
from unicedit.lookalikes.stage import LookalikesStage
from unicedit.lookalikes.windows import mirrored
from unicedit.map.compute import EngineError
from unicedit.map.stage import Item
from unicedit.models.listed import listed
from unicedit.pictures import encoded
from unicedit.prefilter import _excluded
from unicedit.reads import READS
from unicedit.recipes import lookalikes_recipe
from unicedit.scorers.embedding import Embedder
from unicedit.tables.contamination import contamination
from unicedit.world.photos import photograph

KINDS = ("dinov2", "dinov2_with_registers", "clip", "clip with text", "siglip", "siglip2")
SIDE = 280
NAMES = ("astronaut", "cat", "coffee", "flower")
LEAST = 0.999  # towers with random weights put all pictures close together


def square(name: str) -> Image.Image:
    return photograph(name).convert("RGB").resize((SIDE, SIDE))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    made: dict[str, Path] = {}

    def model(kind: str) -> Path:
        if kind not in made:
            made[kind] = tmp_path_factory.mktemp("model")
            embedding_model(made[kind], kind)
        return made[kind]

    return model


def settings_of(model: Path, **more: Any) -> EmbeddingSettings:
    return EmbeddingSettings(model=str(model), device="cpu", **{"min_cosine": LEAST, **more})


def by_transformers(kind: str, folder: Path, images: list[Image.Image]) -> np.ndarray:
    """The embedding as the architecture's own documentation has it, not by the class that is tested."""
    import torch
    import transformers

    inputs = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")(images=images, return_tensors="pt")
    with torch.inference_mode():
        if kind in ("clip with text", "siglip2"):
            found = transformers.AutoModel.from_pretrained(folder).eval().get_image_features(**inputs).pooler_output
        elif kind == "clip":
            found = transformers.CLIPVisionModelWithProjection.from_pretrained(folder).eval()(**inputs).image_embeds
        elif kind == "siglip":
            found = transformers.SiglipVisionModel.from_pretrained(folder).eval()(**inputs).pooler_output
        else:
            found = transformers.AutoModel.from_pretrained(folder).eval()(**inputs).last_hidden_state[:, 0]
    return found.numpy()


@pytest.mark.parametrize("kind", KINDS)
def test_embedding_is_the_documented_one_of_length_one(kind: str, models: Callable[[str], Path]) -> None:
    images = [square(name) for name in NAMES]
    found = Embedder(settings_of(models(kind))).embed(images)
    assert found.dtype == np.float32 and found.shape[0] == len(images)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-6)
    wanted = by_transformers(kind, models(kind), images)
    assert found == pytest.approx(wanted / np.linalg.norm(wanted, axis=1, keepdims=True), abs=1e-5)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_less_precision_gives_nearly_the_same(dtype: str, models: Callable[[str], Path]) -> None:
    images = [square(name) for name in NAMES]
    whole, less = (Embedder(settings_of(models("siglip"), dtype=one)).embed(images) for one in ("float32", dtype))
    assert (whole * less).sum(axis=1) == pytest.approx(1, abs=0.01)


def test_numbers_that_overflow_stop_the_job(models: Callable[[str], Path], tmp_path: Path) -> None:
    """A cosine that is not a number would be no hit."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(models("dinov2"), tmp_path / "model")
    weights = load_file(tmp_path / "model" / "model.safetensors")
    name = next(name for name in weights if name.endswith("layernorm.weight") and "layer." not in name)
    save_file({**weights, name: weights[name] * float("inf")}, tmp_path / "model" / "model.safetensors", {"format": "pt"})
    with pytest.raises(EngineError, match=r"contamination\.embedding\.dtype = 'float32': the model's numbers overflow"):
        Embedder(settings_of(tmp_path / "model")).embed([square("cat")])


def test_model_of_another_kind_or_without_its_weights_is_refused(models: Callable[[str], Path], tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    classifier(tmp_path / "vit")
    with pytest.raises(
        EngineError, match=r"contamination\.embedding\.model = .*: is a vit model; allowed are DINOv2, CLIP, SigLIP and SigLIP 2"
    ):
        Embedder(settings_of(tmp_path / "vit"))
    with pytest.raises(
        EngineError, match=r"contamination\.embedding\.model = 'facebook/dinov2-base': no such folder, .*contamination\.embedding\.revision"
    ):
        Embedder(EmbeddingSettings(model="facebook/dinov2-base"))
    shutil.copytree(models("clip"), tmp_path / "half")
    weights = load_file(tmp_path / "half" / "model.safetensors")
    del weights["visual_projection.weight"]
    save_file(weights, tmp_path / "half" / "model.safetensors", {"format": "pt"})
    with pytest.raises(EngineError, match=r"its weights lack visual_projection\.weight"):
        Embedder(settings_of(tmp_path / "half"))
    with pytest.raises(ValidationError, match="model"):
        EmbeddingSettings(model="")


def test_what_is_not_at_hand_is_refused_before_the_first_job(
    models: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))

    def check(model: Path | str, *, dry: bool = False) -> list[str]:
        return check_files(parse({"contamination": {"embedding": {"model": str(model)}}}), dry=dry)

    assert check(models("dinov2")) == []
    with pytest.raises(ConfigError, match=r"contamination\.embedding\.model = 'lab/dino': no such folder.*make fetch-models"):
        check("lab/dino")
    shutil.copytree(models("dinov2"), tmp_path / "model")
    (tmp_path / "model" / "model.safetensors").unlink()
    with pytest.raises(ConfigError, match=r"holds no \*\.safetensors; only safetensors weights are read"):
        check(tmp_path / "model")
    assert len(check(tmp_path / "model", dry=True)) == 1
    (tmp_path / "model" / "config.json").unlink()
    with pytest.raises(ConfigError, match=r"no config\.json with a model_type"):
        check(tmp_path / "model")
    classifier(tmp_path / "vit")
    with pytest.raises(PipelineError, match="is a vit model; allowed are"):
        check(tmp_path / "vit")
    (one,) = [
        one
        for one in listed(parse({"contamination": {"embedding": {"model": "lab/dino", "revision": "v1"}}}))
        if one.key.startswith("contamination")
    ]
    assert one.name == "lab/dino@v1", "make fetch-models fetches it"


def framed(name: str) -> Image.Image:
    """The photograph between two others, a third of the whole: less than crops by hash reach, all that the middle square shows."""
    whole = Image.new("RGB", (3 * SIDE, SIDE))
    for place, one in enumerate(("palace", name, "motorcycle")):
        whole.paste(square(one), (place * SIDE, 0))
    return whole


LIBRARY = {
    "same": square("astronaut"),
    "turned": mirrored(square("cat")),
    "framed": framed("coffee"),
    "framed and turned": mirrored(framed("flower")),
    "other": square("palace"),
}


@pytest.fixture(scope="module", params=["dinov2", "clip"])
def embedded(
    request: pytest.FixtureRequest, models: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, EmbeddingSettings]:
    """A benchmark of four photographs as references, and by what they were embedded."""
    folder = tmp_path_factory.mktemp("references")
    (folder / "images").mkdir()
    for name in NAMES:
        square(name).save(folder / "images" / f"{name}.png")
    settings = settings_of(models(request.param))
    write_references(None, {"theirs": folder / "images"}, folder / "references.parquet", settings)
    return folder / "references.parquet", settings


def found_by(references: Path, settings: ContaminationSettings, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows of the library's pictures, through the stage."""
    ingest = folder / "ingest.parquet"
    made = [
        {"source": name, "key": pixel_digest(image)[:20], "image_digest": name, "image": encoded(image, EncodingSettings()), "status": "ok"}
        for name, image in LIBRARY.items()
    ]
    pq.write_table(pa.Table.from_pylist(made), ingest)
    stage = LookalikesStage(ingest, references, settings, lookalikes_recipe(settings))
    items = list(stage.items())
    computed = stage.open()([(item, row["image"]) for item, row in zip(items, made, strict=True)])
    rows: dict[str, list[dict[str, Any]]] = {}
    for item, own in zip(items, computed, strict=True):
        assert isinstance(own, list)
        rows[item.key] = own
    return rows


def test_hits_by_embedding_stand_beside_those_of_the_hashes(embedded: tuple[Path, EmbeddingSettings], tmp_path: Path) -> None:
    references, settings = embedded
    alone = found_by(references, ContaminationSettings(), tmp_path)
    rows = found_by(references, ContaminationSettings(embedding=settings), tmp_path)
    assert {name: [(row["samples"], row["how"]) for row in own if row] for name, own in alone.items()} == {
        "same": [(("astronaut.png",), EXACT)],
        "turned": [(("cat.png",), "mirrored")],
        "framed": [],
        "framed and turned": [],
        "other": [],
    }
    assert all(row["cosine"] is None for own in alone.values() for row in own if row), "no embedding is configured there"
    for name, hashed in alone.items():
        also = [row for row in rows[name] if row and row["how"] != EMBEDDING]
        assert [{**row, "cosine": None} for row in also] == [row for row in hashed if row]
    assert rows["same"][0]["cosine"] == pytest.approx(1, abs=1e-5)
    assert rows["turned"][0]["cosine"] > LEAST, "its mirror image is compared too"
    for name, sample in (("framed", "coffee.png"), ("framed and turned", "flower.png")):
        (row,) = [row for row in rows[name] if row["samples"] == (sample,)]
        assert (row["how"], row["distance"], row["likeness"], row["share"]) == (EMBEDDING, None, None, None) and row["cosine"] >= LEAST


def test_one_product_compares_a_batch_with_all_references(embedded: tuple[Path, EmbeddingSettings]) -> None:
    references, settings = embedded
    known = References(references, 8, 0.85)
    rows = pq.read_table(references)["embedding"].to_pylist()
    straight, turned = (Embedder(settings).embed(images) for images in ([square("cat"), square("palace")], [mirrored(square("cat"))] * 2))
    found = known.cosines(straight, turned)
    assert found.shape == (2, len(NAMES)) and found.dtype == np.float32
    wanted = [[max(float(np.dot(a, row)), float(np.dot(b, row))) for row in rows] for a, b in zip(straight, turned, strict=True)]
    assert found == pytest.approx(np.array(wanted), abs=1e-5)


def test_references_of_other_weights_are_refused(
    embedded: tuple[Path, EmbeddingSettings], models: Callable[[str], Path], tmp_path: Path
) -> None:
    """A local folder may hold other weights than it did: cosines between two models mean nothing."""
    references, settings = embedded
    other = settings.model_copy(update={"model": str(models("siglip"))})
    with pytest.raises(PipelineError, match=r"references\.parquet: its pictures were not embedded by the weights"):
        found_by(references, ContaminationSettings(embedding=other), tmp_path)
    (tmp_path / "images").mkdir()
    square("cat").save(tmp_path / "images" / "a.png")
    write_references(None, {"theirs": tmp_path / "images"}, tmp_path / "hashed.parquet")
    table = pq.read_table(tmp_path / "hashed.parquet")
    assert table["embedding"].null_count == table["embedder"].null_count == table.num_rows == 1, "null where none is configured"
    with pytest.raises(PipelineError, match="its pictures were not embedded by"):
        found_by(tmp_path / "hashed.parquet", ContaminationSettings(embedding=settings), tmp_path)
    with pytest.raises(ValueError, match="have no embeddings"):
        References(tmp_path / "hashed.parquet", 8, 0.85).cosines(np.zeros((1, 4), np.float32), np.zeros((1, 4), np.float32))


def test_weights_are_in_the_inputs_of_rows(embedded: tuple[Path, EmbeddingSettings], models: Callable[[str], Path], tmp_path: Path) -> None:
    references, settings = embedded
    found_by(references, ContaminationSettings(), tmp_path)

    def inputs(embedding: EmbeddingSettings | None) -> list[str]:
        stage = LookalikesStage(tmp_path / "ingest.parquet", references, ContaminationSettings(embedding=embedding), "")
        return [item.inputs for item in stage.items() if isinstance(item, Item)]

    other = settings.model_copy(update={"model": str(models("siglip"))})
    assert len({tuple(inputs(one)) for one in (None, settings, other)}) == 3


@pytest.mark.parametrize("cosine", [None, 0.9712])
def test_hits_by_embedding_are_listed_and_excluded(cosine: float | None, tmp_path: Path) -> None:
    """With and without an embedding: the page without one is as it was."""
    hits = [Lookalike("gedit", ("0042.png",), EMBEDDING, None, None, None, cosine)] if cosine else []
    hits = [Lookalike("gedit", ("0007.png",), CROP, 3, 0.91, 0.64, cosine and 0.9), *hits]
    rows = [
        {"source": name, "status": "ok", **{field: getattr(one, field) for field in one.__slots__}}
        for name, one in zip("ab", hits, strict=False)
    ]
    (tmp_path / "lookalikes").mkdir()
    table = tmp_path / "lookalikes" / "00000.parquet"
    pq.write_table(pa.Table.from_pylist([*rows, {"source": "c", "status": "ok"}], schema=LOOKALIKES), table)
    embedder = "0" * 32 if cosine else None
    pq.write_table(
        pa.table({"benchmark": ["gedit"] * 2, "embedder": pa.array([embedder] * 2, pa.string())}), tmp_path / "references.parquet"
    )
    status = contamination(tmp_path, tmp_path / "references.parquet", ["00000"], ["gedit"], False)
    assert status == {"ok": 1, "rejected": len(hits), "failed": 0}
    with (tmp_path / "tables" / "contamination.csv").open() as stream:
        lines = list(csv.DictReader(stream))
    page = (tmp_path / "tables" / "contamination.md").read_text()
    reasons = _excluded(table, ["gedit"])
    assert reasons["a"] == "benchmark: crop of gedit/0007.png"
    if cosine is None:
        assert [line["cosine"] for line in lines] == [""]
        assert "cosine" not in page and "mbedding" not in page
        return
    assert [(line["how"], line["distance"], line["likeness"], line["share"], line["cosine"]) for line in lines] == [
        ("crop", "3", "0.910", "0.64", "0.900"),
        ("embedding", "", "", "", "0.971"),
    ]
    assert reasons["b"] == "benchmark: embedding of gedit/0042.png"
    assert "| embedding |" in page and "| cosine |" in page and "0.971" in page and "min_cosine" in page


def test_what_the_hashes_found_comes_first() -> None:
    """So that the reason of an exclusion names the surer of two hits."""
    known = References.__new__(References)
    known.names = [("a", ("1",)), ("a", ("2",)), ("a", ("3",))]
    known._hashed = lambda key, image: {2: Lookalike("a", ("3",), EXACT, 0, 1.0, 1.0)}  # type: ignore[method-assign]
    found = known.of("", Image.new("RGB", (1, 1)), np.array([0.99, 0.5, 1.0], np.float32), 0.95)
    assert [(one.how, one.samples, one.cosine) for one in found] == [(EXACT, ("3",), 1.0), (EMBEDDING, ("1",), pytest.approx(0.99))]


def test_only_what_decides_a_value_is_in_recipes_and_settings() -> None:
    def config(**embedding: Any) -> Config:
        return parse({"contamination": {"embedding": {"model": "lab/a", "revision": "v1", **embedding}}})

    def both(one: Config) -> tuple[str, str]:
        return lookalikes_recipe(one.contamination), str(READS["references"](one))

    recipe, references = both(config())
    assert lookalikes_recipe(ContaminationSettings()) != recipe
    assert both(config(device="cuda"))[0] == recipe
    lower = both(config(min_cosine=0.9))
    assert lower[0] != recipe and lower[1] == references, "references are not embedded again for another threshold"
    for change in ({"model": "lab/b"}, {"revision": "v2"}, {"dtype": "bfloat16"}):
        assert both(config(**change))[0] != recipe and both(config(**change))[1] != references, change
    batches = ContaminationSettings(embedding=config().contamination.embedding, batch_size=7)
    assert lookalikes_recipe(batches) == recipe
    assert READS["references"](Config())["contamination"]["embedding"] is None


def test_slurm_check_knows_that_a_gpu_is_wanted() -> None:
    assert not {"references", "lookalikes"} & wants_gpu(Config())
    for device, wanted in (("auto", True), ("cuda", True), ("cpu", False)):
        config = parse({"contamination": {"embedding": {"model": "lab/a", "revision": "v1", "device": device}}})
        assert ({"references", "lookalikes"} <= wants_gpu(config)) is wanted
