"""Models that a configuration names: which they are, which commit they stand for, and their files in the cache."""
