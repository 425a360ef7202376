"""The tables of proposals."""

import pyarrow as pa

from unicedit.schema import INSTRUCT

# as instructions are stored, with the shard that holds the picture
PROPOSALS = INSTRUCT.insert(INSTRUCT.get_field_index("image") + 1, pa.field("shard", pa.string()))
