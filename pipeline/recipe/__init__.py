"""A recipe: its settings, how it is read, and what can be wrong with it."""
