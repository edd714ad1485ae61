"""Exports of messengers: private chats between people."""
