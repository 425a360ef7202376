"""When two pictures count as the same."""

from pydantic import Field

from unicedit.config.section import Section


class DuplicatesSettings(Section):
    """Exact and near duplicates, mirror images too, are sought within each generation of shards and against earlier ones; the earliest is kept."""

    enabled: bool = Field(True, description="Seek duplicates; false lets all pass, for libraries that are known to be clean.")
    max_distance: int = Field(
        4,
        ge=0,
        le=11,
        description="Perceptual hashes that differ in at most this many of 64 bits mark near duplicates. 4 finds recompressed and resized copies; "
        "higher also joins different pictures of one scene.",
    )
