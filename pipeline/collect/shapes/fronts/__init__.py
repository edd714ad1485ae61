"""Files of roleplay programs and sites: one character and one user."""
