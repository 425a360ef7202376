"""Records proposed for a benchmark of one's own: which pictures are asked for what, what is taken of the replies, and how it is stored."""
