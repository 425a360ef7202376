"""Settings of the search for benchmarks' pictures in the library."""

from typing import Literal

from pydantic import Field, field_validator

from unicedit.config.section import Section

OWN = "benchmark"  # what the configured benchmark is called here


class KnownBenchmarkSettings(Section):
    """A benchmark whose pictures lie in a folder."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_.-]{0,39}$",
        description="Its name in tables: lower case letters, digits, `_`, `.`, `-`; not `benchmark`.",
    )
    path: str = Field(
        min_length=1,
        description="The folder with its pictures, subfolders too. It is taken for unchanging: files that change in it are not noticed.",
    )


class EmbeddingSettings(Section):
    """A vision model whose embeddings are compared beside the hashes; needs its weights on disk: `make fetch-models` beforehand, for jobs never download."""

    model: str = Field(
        min_length=1,
        description="Folder (or hub id, then with `revision`) of a DINOv2, CLIP, SigLIP or SigLIP 2 model with safetensors weights: facebook/dinov2-base, say.",
    )
    revision: str | None = Field(None, description="Commit of the hub model; needed unless `model` is a folder.")
    device: str = Field("auto", description="`auto`, `cpu` or `cuda`.")
    dtype: Literal["float32", "bfloat16", "float16"] = Field(
        "float32", description="Precision of the vision model; bfloat16 halves time and memory on a GPU."
    )
    min_cosine: float = Field(
        0.95,
        gt=0,
        le=1,
        description="Cosine of two embeddings from which pictures count as the same. Our guess, measured on no model: each has a scale of its own (SSCD, made for copies, "
        "is 90% right from 0.75; others put unrelated pictures closer together), so look at your model's hits before you exclude by them. Too low a value lists nearly every pair.",
    )


class ContaminationSettings(Section):
    """Pictures of benchmarks in the library: `make contamination` lists them, and `prefilter.exclude` keeps them out of the dataset."""

    benchmarks: tuple[KnownBenchmarkSettings, ...] = Field(
        (),
        description="Benchmarks beside the one that `benchmark` configures, which is always looked for (by the name `benchmark`): `name` and `path` of each.",
    )
    max_distance: int = Field(
        8,
        ge=0,
        le=11,
        description="Bits of 64 that the hashes of a picture and of a window of another may differ in, to be compared closer. 8 finds 96 to 100% of crops down to 60% of the area.",
    )
    min_likeness: float = Field(
        0.85,
        gt=0,
        le=1,
        description="Correlation of details from which two pictures show the same. Of crops of half the area or more, "
        "recompressed and made smaller, 95 of 100 reach it; of 102,000 pairs of distinct photographs the most alike had 0.82.",
    )
    embedding: EmbeddingSettings | None = Field(
        None,
        description="Embeddings of pictures, which also find what hashes do not (redrawn, turned, small crops); null: hashes alone (no weights come along).",
    )
    batch_size: int = Field(
        32,
        ge=1,
        le=4096,
        description="Pictures compared together; twice as many go through the model of `embedding` at once. Decides no value.",
    )

    @field_validator("benchmarks")
    @classmethod
    def _told_apart(cls, listed: tuple[KnownBenchmarkSettings, ...]) -> tuple[KnownBenchmarkSettings, ...]:
        names = [OWN, *(one.name for one in listed)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"names must be unique, and {twice[0]!r} is there more than once (`{OWN}` is the configured benchmark)")
        return listed
