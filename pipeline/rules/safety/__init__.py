"""What no companion may be trained on: speakers under 18; and what is noted and counted."""
