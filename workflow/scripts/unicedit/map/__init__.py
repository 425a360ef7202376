"""The resumable map: one mechanism under every expensive stage (docs/architecture.md)."""

# the stages that run under it
MAPPED = (
    *("ingest", "prefilter", "instruct", "propose", "edit", "verify", "samples"),
    *("bench_edit", "expect", "judge", "bench_viescore", "viescore", "triplet_aesthetic"),
)
