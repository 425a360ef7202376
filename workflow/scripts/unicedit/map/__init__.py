"""The resumable map: one mechanism under every expensive stage (docs/architecture.md)."""

MAPPED = ("ingest", "prefilter", "instruct", "edit", "verify", "samples")  # the stages that run under it
