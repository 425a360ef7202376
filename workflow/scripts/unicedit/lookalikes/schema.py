"""The tables of look-alikes: benchmarks' pictures as they are compared, and what of the library looks like them."""

import pyarrow as pa

from unicedit.schema import VERIFY

REFERENCES = pa.schema(
    [
        pa.field("benchmark", pa.string(), nullable=False),
        pa.field("samples", pa.list_(pa.string()), nullable=False),  # keys (of a folder: names) that share the picture
        pa.field("picture", pa.string(), nullable=False),  # first 20 hexadecimal digits of the digest of its pixels
        pa.field("hashes", pa.list_(pa.uint64()), nullable=False),  # of its windows
        pa.field("mirrored", pa.uint64(), nullable=False),  # of its mirror image
        pa.field("grey", pa.binary(), nullable=False),  # PNG
        ("embedding", pa.list_(pa.float32())),  # of length one; null where none is configured
        ("embedder", pa.string()),  # digest of the model that it is of
    ]
)

# one row a look-alike, or one with empty columns where a picture has none
LOOKALIKES = pa.schema(
    [
        ("source", pa.string()),
        ("key", pa.string()),
        ("benchmark", pa.string()),
        ("samples", pa.list_(pa.string())),
        ("how", pa.string()),  # exact, near, mirrored, crop, mirrored crop; embedding: by its cosine alone, and the next three are null
        ("distance", pa.int16()),  # bits of 64 that the hashes differ in
        ("likeness", pa.float32()),  # correlation of details, -1 to 1
        ("share", pa.float32()),  # of the larger picture, that the smaller one shows
        ("cosine", pa.float32()),  # of the embeddings, -1 to 1, of the picture or its mirror image; null where none is configured
        *(VERIFY.field(name) for name in ("status", "reason", "recipe", "inputs")),
    ]
)
