"""Settings of models that come from a hub."""

from pydantic import Field

from unicedit.config.section import Section


class ModelsSettings(Section):
    """Models that settings name by their hub id: `make fetch-models` resolves each once, and fetches it into `paths.cache`."""

    lock: str = Field(
        "config/models.lock.json",
        min_length=1,
        description="Lock file: the commit that each model and revision stood for, its files with their SHA-256, and its licence. Commit it with your "
        "configuration. Another commit in it invalidates what the model computed.",
    )
