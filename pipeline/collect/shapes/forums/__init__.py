"""Threads of forums."""
