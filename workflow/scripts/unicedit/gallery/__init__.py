"""The gallery: one static page over all rows of a run."""
