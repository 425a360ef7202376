"""The tables that stand beside the paper's."""
