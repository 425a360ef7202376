"""Examination of an editing dataset, ours or anyone's: what is wrong with it, with counts and examples."""
