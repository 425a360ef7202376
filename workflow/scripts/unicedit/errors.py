"""The error a user can do something about."""


class PipelineError(Exception):
    """An expected error. Its message names the file, key or row, and says what to do; commands print it as one line."""
