"""What the hooks of one call are asked about: each utterance, or the newest partial of a party once a second."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from bridge.telling import Partial
from callscribe.entries import Utterance
from callscribe.hooks import Said, wanted
from callscribe.settings import HookSettings

# Of the partials of one leg; who answers has less than that, and people read no faster.
INTERVAL_S = 1.0


class Hooks:
    """The hooks that a call's settings name."""

    def __init__(self, settings: Sequence[HookSettings], *, call_id: str, tenant: str) -> None:
        self._settings = settings
        self._call_id = call_id
        self._tenant = tenant
        self._next_at: dict[str, float] = {}  # by leg, when a partial may be asked about

    def final(self, said: Utterance, *, party: Callable[[str], str], at_ms: int) -> Iterator[Said]:
        """Yield what is asked about an utterance; `party` tells who speaks on a leg, `at_ms` is now, since 1970."""
        if self._settings:
            speaker = party(said.leg)
            for name in wanted(self._settings, "utterance", speaker):
                yield self._said(name, said, speaker, at_ms)

    def partials(self, partials: Iterable[Partial], *, now: float, at_ms: int) -> Iterator[Said]:
        """Yield what is asked about partials that are shown at `now`."""
        for partial in partials if self._settings else ():
            names = list(wanted(self._settings, "partial", partial.party))
            if names and self._next_at.get(partial.leg, now) <= now:
                self._next_at[partial.leg] = now + INTERVAL_S
                for name in names:
                    yield self._said(name, partial, partial.party, at_ms)

    def _said(self, hook: str, said: Utterance | Partial, party: str, at_ms: int) -> Said:
        return Said(
            hook=hook,
            kind="utterance" if isinstance(said, Utterance) else "partial",
            call_id=self._call_id,
            tenant=self._tenant,
            leg=said.leg,
            party=party,
            id=said.id,
            text=said.text,
            start_ms=said.start_ms,
            end_ms=said.end_ms,
            at_ms=at_ms,
        )
