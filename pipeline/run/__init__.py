"""One execution of a recipe: the table of stages, cache keys, the runner, its reports."""
