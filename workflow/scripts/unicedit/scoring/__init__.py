"""Scores one can trust: what judges gave, made into means that show their coverage, spread and differences."""
