"""Judging edits: the rubrics, the questions, the engines that answer them."""
