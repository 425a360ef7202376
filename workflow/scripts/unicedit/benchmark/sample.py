"""A sample of the benchmark with its picture, wherever it comes from."""

from dataclasses import dataclass

from PIL import Image

from unicedit.benchmark.record import MappedRecord, Record
from unicedit.config.ingest import EncodingSettings
from unicedit.ingest.hashes import pixel_digest
from unicedit.map.stage import Row
from unicedit.pictures import bytes_digest, encoded
from unicedit.provenance import Provenance


@dataclass(frozen=True, slots=True)
class Sample:
    """A checked record, its picture in RGB, the picture's name where it comes from (``world:…`` in the simulated world), and its size there.

    ``others``: further source pictures, where a sample has several; ``reference``: a right result, for judges alone.
    """

    record: Record
    image: Image.Image
    source: str
    full: tuple[int, int]
    others: tuple[Image.Image, ...] = ()
    reference: Image.Image | None = None

    @property
    def provenance(self) -> Provenance:
        """Where the picture comes from: never cropped, and resized in the simulated world alone."""
        return whole(self.record.key, self.source, self.full, self.image.size)


def whole(key: str, source: str, full: tuple[int, int], size: tuple[int, int]) -> Provenance:
    """The provenance of a picture that is shown whole, in the size ``size``."""
    return Provenance(key, source, *full, (0, 0, *full), *size)


def row_of(sample: Sample, encoding: EncodingSettings) -> Row:
    """The sample as a row of the table of records."""
    record, where = sample.record, sample.provenance
    data = encoded(sample.image, encoding)
    left, top, right, bottom = where.crop
    return {
        "key": record.key,
        "task": record.task,
        "subtask": record.subtask,
        "en": record.en,
        "cn": record.cn,
        "reasoning_points": list(record.reasoning_points),
        "subset": record.subset if isinstance(record, MappedRecord) else None,
        "picture": pixel_digest(sample.image)[:20],
        "note": record.note if isinstance(record, MappedRecord) else "",
        "sources": 1 + len(sample.others),
        "others": [encoded(image, encoding) for image in sample.others],
        "reference": encoded(sample.reference, encoding) if sample.reference else None,
        "source": where.source,
        "width": where.width,
        "height": where.height,
        "crop_left": left,
        "crop_top": top,
        "crop_right": right,
        "crop_bottom": bottom,
        "image_width": where.image_width,
        "image_height": where.image_height,
        "image_digest": bytes_digest(data),
        "image": data,
    }
