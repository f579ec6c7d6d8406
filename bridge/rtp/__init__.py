"""RTP: packets of audio over UDP, from PBXs and border controllers that open no socket."""
