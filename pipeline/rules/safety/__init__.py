"""What no companion may be trained on: speakers under 18; and what is labelled: self-harm, hate,
coercion."""
