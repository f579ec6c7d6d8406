"""Asks customers' hooks about what is said while a call goes on, and writes the cards that they answer with."""
