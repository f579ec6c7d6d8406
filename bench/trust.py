"""What is told of, and what is not: a figure that tells of the load, or of the machine, is none of the bridge's."""

from __future__ import annotations

from collections.abc import Sequence

from bench.rounds import Round

# The load is Gladia too: while it is late, it is late to see what comes.
TRUSTED_LATENESS_S = 0.01
# Of the load's own core. Beyond, a burst waits for the load and not for the bridge.
TRUSTED_LOAD_SHARE = 0.9
# Of either core, taken by whoever else runs on this machine.
TRUSTED_OTHERS_SHARE = 0.2
# Rounds that differ by more tell of the machine.
TRUSTED_SPREAD = 1.6


def is_disturbed(found: Round) -> bool:
    """Return whether others took too much of either core meanwhile."""
    return max(found.others_share, found.others_beside_share) > TRUSTED_OTHERS_SHARE


def overloaded(rounds: Sequence[Round]) -> str:
    """Return why the load can't have measured these rounds; empty if it can."""
    late_s, share = max(each.late_s for each in rounds), max(each.load_share for each in rounds)
    if late_s > TRUSTED_LATENESS_S:
        return f"the load was up to {late_s * 1000:.0f} ms late"
    if share > TRUSTED_LOAD_SHARE:
        return f"the load took {share:.0%} of its own core"
    return ""


def distrust(rounds: Sequence[Round]) -> str:
    """Return why these rounds of one case are not to be told of; empty if they are."""
    if any(is_disturbed(each) for each in rounds):
        others = max(max(each.others_share, each.others_beside_share) for each in rounds)
        return f"others took up to {others:.0%} of a core"
    if reason := overloaded(rounds):
        return reason
    if not any(each.is_full for each in rounds):  # of what has to wait there is more to come
        for each in rounds:
            if each.bytes_in != each.bytes_out:
                return f"of {each.bytes_in:,} bytes that went in, {each.bytes_out:,} came out"
    shares = [each.cpu_share for each in rounds]
    if max(shares) > TRUSTED_SPREAD * min(shares):
        return f"rounds took from {min(shares):.1%} to {max(shares):.1%} of a core"
    return ""
