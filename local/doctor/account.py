"""What the AWS account says of a deployment: its stacks, its secrets, its settings, its live tasks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from callscribe.errors import Refused
from callscribe.sessions import Task
from callscribe.settings import decode_settings
from callscribe.slots import Standing
from functions.secrets import auth_tokens, gladia_key, signing_keys
from local.doctor.check import Check, ok, warning, wrong

# As CloudFormation makes them up: infra/secrets.py.
_GENERATED = re.compile(r"[A-Za-z0-9]{64}")

KNOWN = "it is known everywhere five minutes later"


class AwsFailed(Exception):
    """AWS did not say; the text is its own word for why."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack as CloudFormation describes it."""

    status: str
    outputs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Secret:
    """One of the three secrets: how it is read, what it has to look like, and whether its first value is to stay."""

    name: str
    variable: str  # that has its ARN in the task's environment
    shape: str
    read: Callable[[str], str] = field(repr=False)
    made_here: bool = False


SECRETS = (
    Secret("Gladia's secret", "GLADIA_SECRET", '{"api_key": "…"}', gladia_key),
    Secret("Twilio's secret", "TWILIO_SECRET", '{"auth_token": "…"}', lambda text: auth_tokens(text)[0]),
    Secret("signing secret", "SIGNING_SECRET", '{"current": "…"}', lambda text: signing_keys(text)[0], made_here=True),
)


def credentials(found: str | AwsFailed) -> Check:
    """Decide on who asks; `found` is the account's number."""
    name = "AWS credentials"
    if isinstance(found, AwsFailed):
        return wrong(name, f"AWS knows nobody by them ({found})", "sign in (aws sso login), or set AWS_PROFILE")
    return ok(name, f"account {found}")


def stack(name: str, found: Stack | AwsFailed | None, *, without: str = "") -> Check:
    """Decide on a stack, None if there is none of that name; `without` is what is missed then, if it may be missing."""
    match found:
        case AwsFailed():
            return wrong(name, f"can't be read ({found})", "allow cloudformation:DescribeStacks to whoever runs this")
        case None if without:
            return ok(name, f"not deployed, so there is no {without}")
        case None:
            return wrong(name, "not deployed", "deploy it; --stage and --region say which and where")
        case Stack(status="CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE"):
            return ok(name, "complete")
        case Stack(status="UPDATE_ROLLBACK_COMPLETE"):
            return warning(
                name, "the last deployment was taken back", "see the stack's events for the first that failed"
            )
        case Stack(status=status) if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
            return warning(name, f"is being changed ({status})", "ask again when that is over")
        case Stack(status=status):
            return wrong(name, status, "see the stack's events for the first that failed; deploy again")


def incomplete(missing: str) -> Check:
    """Decide on stacks that lack what this program needs to know."""
    return wrong("deployment", f"its stacks do not tell {missing}", "deploy this version of callscribe")


def secret(kind: Secret, text: str | AwsFailed, *, arn: str) -> tuple[Check, str | None]:
    """Decide on a secret's `text`; return its value as well, None if it is not fit for use."""
    put = f"aws secretsmanager put-secret-value --secret-id {arn} --secret-string '{kind.shape}'; {KNOWN}"
    if isinstance(text, AwsFailed):
        allow = f"allow secretsmanager:GetSecretValue on {arn} to whoever runs this"
        return wrong(kind.name, f"can't be read ({text})", allow), None
    try:
        value = kind.read(text)
    except Refused as error:
        return wrong(kind.name, str(error), put), None
    if not kind.made_here and _GENERATED.fullmatch(value):
        return wrong(kind.name, "still the value that CloudFormation made up", put), None
    return ok(kind.name, "generated, or replaced by you" if kind.made_here else "filled in"), value


def settings(text: str | AwsFailed, *, parameter: str) -> Check:
    """Decide on the numbers' settings."""
    name = "settings of numbers"
    if isinstance(text, AwsFailed):
        return wrong(name, f"can't be read ({text})", f"the SSM parameter {parameter} has to be there, and readable")
    try:
        document = decode_settings(text)
    except Refused:  # whose words may quote a number
        return wrong(name, "not the settings that the README describes", f"correct the SSM parameter {parameter}")
    return ok(name, f"a default, and {len(document.numbers)} numbers of their own")


def media_address(text: str | AwsFailed, *, parameter: str, media_url: str) -> Check:
    """Decide on where the function `voice` sends media streams; the bridge lets in only what was signed for its own."""
    name = "media: address"
    if isinstance(text, AwsFailed):
        return wrong(name, f"can't be read ({text})", f"the SSM parameter {parameter} has to be there, and readable")
    if text.rstrip("/") != media_url:
        todo = f"deploy Bridge, which writes the SSM parameter {parameter}"
        return wrong(name, f"calls are sent to {text}, the bridge is at {media_url}", todo)
    return ok(name, "calls are sent to the bridge")


def tasks(found: list[Task] | AwsFailed, *, now_ms: int) -> Check:
    """Decide on the bridge's tasks by their heartbeats."""
    name = "tasks of the bridge"
    if isinstance(found, AwsFailed):
        return wrong(
            name, f"can't be read ({found})", "allow dynamodb:Query on the table Sessions to whoever runs this"
        )
    alive = [task for task in found if not task.is_stale(now_ms=now_ms)]
    taking = [task for task in alive if not task.leaving]
    if not taking:
        return wrong(
            name, f"none takes calls, {len(alive)} on their way out", "see the bridge's log for why it stopped"
        )
    return ok(name, f"{len(taking)} alive")


def slots(found: Standing | AwsFailed) -> Check:
    """Decide on the sessions of Gladia's plan, by our own count of them."""
    name = "Gladia's sessions"
    if isinstance(found, AwsFailed):
        return wrong(
            name, f"can't be read ({found})", "allow dynamodb:Query on the table Sessions to whoever runs this"
        )
    count = f"{found.taken} of {found.taken + found.free} in use by our own count, {found.waiting} calls wait"
    if found.free == 0 or found.waiting:
        return warning(name, count, "calls wait for one: get more from Gladia and say so in GLADIA_SESSIONS")
    return ok(name, count)
