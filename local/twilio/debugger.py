"""Twilio's debugger for one call: every webhook with its answer, every warning."""

from collections.abc import Callable

from local.twilio.events import CallEvent, Warned, WebhookAnswered, WebhookFailed
from local.twilio.problems import Problem
from local.twilio.report import WebhookReport
from local.twilio.webhook import Answer


class Debugger:
    """Keeps what is reported at the end of the call `call_sid`, and tells `observe` at once."""

    def __init__(self, call_sid: str, observe: Callable[[CallEvent], None]) -> None:
        self.observe = observe
        self.webhooks: list[WebhookReport] = []  # in the order of their answers
        self.warnings: list[Problem] = []
        self._call_sid = call_sid

    def warn(self, problem: Problem) -> None:
        """Keep a problem that changes nothing else."""
        self.warnings.append(problem)
        self.observe(Warned(self._call_sid, problem))

    def asked(self, kind: str, url: str, answer: Answer) -> None:
        """Keep what a webhook answered that is asked for TwiML; whether it is good is told apart."""
        self.webhooks.append(WebhookReport(kind, url, answer.status, answer.body.decode(errors="replace")))

    def told(self, kind: str, url: str, answer: Answer) -> None:
        """Keep what a callback answered; a bad answer is a warning, as nothing depends on it."""
        self.asked(kind, url, answer)
        if answer.problem is not None:
            self.warnings.append(answer.problem)
            self.observe(WebhookFailed(self._call_sid, kind, answer.status, answer.problem))
        elif answer.status is not None:
            self.observe(WebhookAnswered(self._call_sid, kind, answer.status, ()))
