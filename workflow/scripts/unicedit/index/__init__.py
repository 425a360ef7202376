"""The append-only index of the library (design section 3)."""
