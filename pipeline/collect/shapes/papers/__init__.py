"""Data sets of papers, in their own formats."""
