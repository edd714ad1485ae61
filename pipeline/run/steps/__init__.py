"""How each stage is run: which units of work it has, and what is done with one, here or in a worker
process."""
