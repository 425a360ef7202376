"""The library the commands in ``workflow/scripts`` share (map of its rooms: docs/architecture.md)."""
