"""Texts of our own to learn annotations from and to test them on, and what is done with them."""
