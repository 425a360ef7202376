"""Measuring verifiers on samples whose truth is known, or that a judge scores (paper Table 5)."""
