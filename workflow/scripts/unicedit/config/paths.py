"""Where things are kept."""

from pydantic import Field

from unicedit.config.section import Section


class PathsSettings(Section):
    """Folders, relative to the working directory or absolute. On a cluster all of them lie on a file system that every node sees."""

    results: str = Field("results", min_length=1, description="Tables, dataset and reports: what a run is for. The large file system.")
    scratch: str = Field(
        "scratch",
        min_length=1,
        description="Journals and progress records of running jobs, removed when a shard is sealed. The fast file system, if there are two.",
    )
    cache: str = Field("cache", min_length=1, description="Downloaded models and cached replies, shared between runs.")
