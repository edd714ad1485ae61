"""A conversation as the rules read it: read once, for all rules."""

# Cards of which is kept in mind what they say: many conversations have the same one.
CARDS = 256
