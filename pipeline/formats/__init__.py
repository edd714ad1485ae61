"""Foreign formats of characters: V1 and V2 cards, and the records of gpt_roleplay_realm."""
