"""One file a carrier or PBX: its wire format in, events out."""
