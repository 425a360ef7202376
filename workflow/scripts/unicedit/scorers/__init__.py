"""Scorers of pictures, behind one port (design section 6)."""
