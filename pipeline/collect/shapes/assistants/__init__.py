"""Exports of assistants, and logs of calls to models."""
