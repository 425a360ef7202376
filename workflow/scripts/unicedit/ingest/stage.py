"""Ingest: read, check, digest, hash, crop, resize and store the pictures of a shard (paper section 1, "source centre-cropped and resized")."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image

from unicedit.config.ingest import IngestSettings
from unicedit.files import digest_of
from unicedit.ingest.crop import Crop, crop_of
from unicedit.ingest.decode import decode
from unicedit.ingest.hashes import perceptual_hashes, pixel_digest
from unicedit.ingest.reader import Entry
from unicedit.ingest.readers import open_reader
from unicedit.map.stage import Batch, Compute, Item, Row, RowError, Stage
from unicedit.pictures import bytes_digest, encoded
from unicedit.schema import INGEST

KEY_DIGITS = 20


class IngestStage(Stage):
    """One item a library picture; pictures the thresholds refuse are measured but not stored."""

    name = "ingest"
    schema = INGEST
    item_column = "source"
    row_group_rows = 32

    def __init__(self, manifest: dict[str, Any], settings: IngestSettings, recipe: str) -> None:
        self.manifest = manifest
        self.settings = settings
        self.recipe = recipe
        self.batch_size = settings.batch_size
        self.decision = digest_of(settings.max_crop_loss, settings.min_side)
        self._reader = open_reader(manifest, settings.max_file_mb)
        self._faults: dict[str, str] = {}

    def items(self) -> Iterator[Item]:
        for entry in self._reader.entries():
            if entry.fault:
                self._faults[entry.name] = entry.fault
            yield Item(entry.name, self._inputs(entry), self.recipe, {"origin": entry.origin or None, "licence": entry.licence or None})

    def _inputs(self, entry: Entry) -> str:
        return digest_of(entry.name, entry.inputs, entry.fault, entry.origin, entry.licence)

    def load(self, items: Sequence[Item]) -> Sequence[bytes | RowError]:
        readable = [item.key for item in items if item.key not in self._faults]
        content = dict(zip(readable, self._reader.read(readable), strict=True))
        return [RowError(self._faults[item.key]) if item.key in self._faults else content[item.key] for item in items]

    def open(self) -> Compute:
        compute = _Ingest(self.settings)
        return compute

    def decide(self, table: pa.Table) -> pa.Table:
        settings = self.settings
        short = pc.min_element_wise(table["width"], table["height"])
        small = pc.fill_null(pc.less(short, settings.min_side), False)
        lossy = pc.fill_null(pc.greater(table["crop_loss"], settings.max_crop_loss), False)
        measured = pc.equal(table["status"], "ok")
        rejected = pc.and_(measured, pc.or_(small, lossy))
        reasons = []
        for row in (
            table.select(["status", "reason", "crop_loss"]).append_column("short", short).append_column("rejected", rejected).to_pylist()
        ):
            if not row["rejected"]:
                reasons.append(row["reason"])
            elif row["short"] < settings.min_side:
                reasons.append(f"too_small: shorter side {row['short']} < {settings.min_side}")
            else:
                reasons.append(f"crop_loss: {row['crop_loss']:.3f} > {settings.max_crop_loss:g}")
        table = _replace(table, "status", pc.if_else(rejected, "rejected", table["status"]))
        table = _replace(table, "reason", pa.array(reasons, pa.string()))
        if pc.any(pc.and_(rejected, pc.is_valid(table["image"]))).as_py():
            table = _replace(table, "image", pc.if_else(rejected, pa.scalar(None, pa.binary()), table["image"]))
            table = _replace(table, "image_digest", pc.if_else(rejected, pa.scalar(None, pa.string()), table["image_digest"]))
        return table

    def reusable(self, table: pa.Table) -> pa.Array:
        """All but rows whose picture was not stored and now would be."""
        admitted = [
            admits(self.settings, width, height, loss) if width is not None else False
            for width, height, loss in zip(
                table["width"].to_pylist(), table["height"].to_pylist(), table["crop_loss"].to_pylist(), strict=True
            )
        ]
        return pa.array([status != "rejected" or not now for status, now in zip(table["status"].to_pylist(), admitted, strict=True)])


def _replace(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), table.schema.field(name), values)


def admits(settings: IngestSettings, width: int, height: int, loss: float) -> bool:
    """Whether the thresholds let a picture of this size and crop loss (as stored, 32-bit) pass."""
    return min(width, height) >= settings.min_side and not pc.greater(pa.scalar(loss, pa.float32()), settings.max_crop_loss).as_py()


class _Ingest:
    def __init__(self, settings: IngestSettings) -> None:
        self.settings = settings

    def __call__(self, batch: Batch) -> list[list[Row] | RowError]:
        results: list[list[Row] | RowError] = []
        for _, content in batch:
            file_digest = bytes_digest(content)
            try:
                results.append([{"file_digest": file_digest, **self._row(content)}])
            except RowError as error:
                error.columns["file_digest"] = file_digest
                results.append(error)
        return results

    def _row(self, content: bytes) -> Row:
        settings = self.settings
        decoded = decode(content, settings.max_file_mb, settings.max_megapixels)
        image = decoded.image
        crop = crop_of(image.width, image.height, settings.size_divisor)
        pixels = pixel_digest(image)
        phash, mirror = perceptual_hashes(image)
        kept = self._stored(image, crop)
        return {
            "key": pixels[:KEY_DIGITS],
            "format": decoded.format,
            "mode": decoded.mode,
            "width": image.width,
            "height": image.height,
            "pixels": pixels,
            "phash": phash,
            "phash_mirror": mirror,
            "crop_left": crop.box[0],
            "crop_top": crop.box[1],
            "crop_right": crop.box[2],
            "crop_bottom": crop.box[3],
            "crop_loss": crop.loss,
            "image_width": crop.size[0],
            "image_height": crop.size[1],
            "image_digest": None if kept is None else bytes_digest(kept),
            "image": kept,
        }

    def _stored(self, image: Image.Image, crop: Crop) -> bytes | None:
        if not admits(self.settings, image.width, image.height, crop.loss):
            return None
        return encoded(image.resize(crop.size, Image.Resampling.LANCZOS, box=crop.box), self.settings.encoding)
