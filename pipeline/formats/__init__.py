"""Foreign formats of characters: V1, V2 and V3 cards, gpt_roleplay_realm."""
