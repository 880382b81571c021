"""Telling people: what went wrong, what is late, what is not as it was; once, in one message."""
