"""The resumable map: one mechanism under every expensive stage (docs/architecture.md)."""
