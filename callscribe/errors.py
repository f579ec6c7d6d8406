"""What can go wrong at an edge, told apart by what to do next."""


class CallscribeError(Exception):
    """Base of the errors below; never raised itself."""


class Unavailable(CallscribeError):
    """A service can't answer now: try again after `retry_after_s` seconds."""

    def __init__(self, message: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class MalformedMessage(CallscribeError):
    """A peer broke its own format: count it by `kind`, drop it, keep the call."""

    def __init__(self, message: str, *, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


class Refused(CallscribeError):
    """This key, quota or shape will never do: stop and say so."""


class Overloaded(CallscribeError):
    """We are behind: end the session, keep the call."""


class SubscriberGone(CallscribeError):
    """The connection is over: forget it, warn nobody."""
