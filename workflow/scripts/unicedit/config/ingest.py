"""How pictures are read, cropped and stored."""

from typing import Literal

from pydantic import Field

from unicedit.config.section import Section


class EncodingSettings(Section):
    """How a picture is stored."""

    format: Literal["png", "webp", "jpeg"] = Field(
        "png", description="File format; PNG is lossless and read everywhere, JPEG and lossy WebP save about nine tenths of the space."
    )
    quality: int = Field(95, ge=1, le=100, description="Quality of JPEG and WebP (100 makes WebP lossless); unused for PNG.")
    compress_level: int = Field(1, ge=0, le=9, description="zlib level of PNG; 1 is several times faster than 6 and a tenth larger.")


class IngestSettings(Section):
    """Decoding, cropping and resizing. Sources become one of the 17 sizes of FLUX.1-Kontext by nearest aspect ratio, scaled to cover, centre-cropped."""

    size_divisor: Literal[1, 2, 4] = Field(
        4,
        description="The 17 sizes of about one megapixel are divided by this on each side: 1 is the paper's size, 4 suits the laptop default (about 256 x 256).",
    )
    max_crop_loss: float = Field(
        0.20,
        ge=0,
        lt=1,
        description="A picture that would lose more than this share of its area to the crop is rejected. 0.20 as in the paper, which leaves open of what; area is ours.",
    )
    min_side: int = Field(
        128,
        ge=1,
        description="Pictures whose shorter side has fewer pixels are rejected; half the default's target size, so nothing is blown up more than twice.",
    )
    max_file_mb: float = Field(
        100, gt=0, description="Files larger than this many megabytes are not read: bounds memory against hostile input."
    )
    max_megapixels: float = Field(
        100,
        gt=0,
        le=178,
        description="Pictures with more pixels, by their header, are not decoded: stops decompression bombs. Pillow itself decodes none of more than 178.",
    )
    encoding: EncodingSettings = Field(default_factory=EncodingSettings, description="How the cropped source is stored.")
    batch_size: int = Field(8, ge=1, le=1024, description="Pictures read and computed together.")
