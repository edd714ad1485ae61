"""The window on any shelf. It changes nothing."""
