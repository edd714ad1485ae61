"""Formats of no particular source: trainers' files, tables, plain text."""
