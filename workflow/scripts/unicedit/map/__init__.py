"""The resumable map: one mechanism under every expensive stage (docs/architecture.md)."""

MAPPED = ("ingest", "prefilter", "instruct", "edit", "verify", "samples", "bench_edit", "expect", "judge")  # the stages that run under it
