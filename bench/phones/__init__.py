"""Calls by programs that others wrote, to the bridge's recording server: SIPp and baresip, of Debian's packages."""
