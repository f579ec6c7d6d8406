"""What bridge, functions and clients share: the log of a call, client messages, tickets."""
