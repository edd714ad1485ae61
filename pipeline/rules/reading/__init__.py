"""A conversation as the rules read it: read once, for all rules."""
