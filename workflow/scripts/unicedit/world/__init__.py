"""The simulated world: photographs with drawn objects in them, so that the truth of every edit is known (design section 7)."""
