"""Rapport: dialogue datasets in one pipeline, every conversation accounted for."""

__version__ = "0.1.0"
