"""What a run shows: progress while it lasts, a summary at its end."""
