"""Review by people: a local page over a queue, decisions that are only ever appended, agreement, and what is settled."""
