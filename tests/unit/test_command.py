"""What every command begins with."""

import subprocess
import sys

from checkout import REPOSITORY

PROGRAM = """
import sys
sys.path.insert(0, "workflow/scripts")
from unicedit.command import run

def main():
    import pyarrow as pa
    import pyarrow.dataset
    table = pa.table({"number": [1, None], "text": ["a", "b"]})
    print("pandas" in sys.modules)
    frame = table.to_pandas()
    import pandas
    assert isinstance(frame, pandas.DataFrame) and frame["text"].tolist() == ["a", "b"]
    assert pa.Table.from_pandas(frame, preserve_index=False)["text"].to_pylist() == ["a", "b"]
    assert pa.array(pandas.Series(["x", None])).to_pylist() == ["x", None]

run(main)
"""


def test_pandas_is_loaded_by_who_asks_for_it_alone() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=REPOSITORY, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr
