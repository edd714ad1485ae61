"""The style of a conversation: repetition, refusals, remains of prompts, labels, clichés."""
