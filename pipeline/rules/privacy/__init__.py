"""Personal data in messages, and what stands in its place."""
