"""The language of a conversation and of each message."""
