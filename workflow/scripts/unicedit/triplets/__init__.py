"""Triplets (source, instruction, edit) of any editing dataset, read through a mapping of its columns."""
