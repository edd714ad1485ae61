"""A conversation as the rules read it, once for all rules."""
