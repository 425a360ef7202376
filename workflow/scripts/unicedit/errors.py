"""The errors a user can do something about."""


class PipelineError(Exception):
    """An expected error. Its message names the file, key or row, and says what to do; commands print it as one line."""


class ConfigError(PipelineError):
    """The configuration cannot be used; one line a fault, each with the key, the value and what is allowed."""
