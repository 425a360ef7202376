"""Whether a valid edit took place, and what it changed."""
