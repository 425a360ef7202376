"""What is measured of each row of an audited dataset: light, so that every check can look at all of them."""

import pyarrow as pa

PICTURES = ("source", "edit")
_OF_PICTURE = (
    ("fault", pa.string()),  # why it cannot be read; null where it was
    ("format", pa.string()),
    ("width", pa.int32()),  # pixels
    ("height", pa.int32()),
    ("pixels", pa.string()),  # first 20 hexadecimal digits of the SHA-256 of size and pixels
    ("phash", pa.string()),  # 16 hexadecimal digits
    ("phash_mirror", pa.string()),  # of the mirror image
)

FACTS = pa.schema(
    [
        pa.field("place", pa.string(), nullable=False),  # file::row, the file relative to the dataset's root
        ("fault", pa.string()),  # why the row itself cannot be read
        ("key", pa.string()),
        ("task", pa.string()),
        ("subtask", pa.string()),
        ("instruction_en", pa.string()),
        ("instruction_cn", pa.string()),
        *((f"{which}_{name}", kind) for which in PICTURES for name, kind in _OF_PICTURE),
        ("similarity", pa.float64()),  # SSIM of edit and source, where both were read
        ("is_changed", pa.bool_()),  # the trained verifier's verdict, where one was asked
        ("verifier_fault", pa.string()),  # why it gave none
    ]
)
