"""What is looked at, in which order, and for how long: first what all else hangs on, then the rest at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from callscribe.sessions import Sessions
from callscribe.slots import Slots
from local.doctor import account, doors, vendors
from local.doctor.account import SECRETS, AwsFailed, Stack
from local.doctor.check import Check, Outcome, warning, wrong
from local.doctor.cloud import Cloud
from local.doctor.deployment import Deployment, Incomplete
from local.doctor.probes import Probes

T = TypeVar("T")

LIMIT_S = 15.0  # of each check; a function that has to start first takes some seconds
# By name, with what there is not without it; nothing goes without those that have no such word.
STACKS = {"Data": "", "Api": "", "Bridge": "", "Web": "page", "Watch": "dashboard and no alarm"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked about which stage; `found_at` puts in addresses that the stacks can't know."""

    stage: str
    account_sid: str | None = None
    number: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    found_at: Callable[[Deployment], Deployment] = lambda deployment: deployment


async def examine(question: Question, cloud: Cloud, probes: Probes) -> list[Check]:
    """Return all checks, in the order in which people read them."""
    checks = [account.credentials(await _asked(cloud.account))]
    if _broken(checks):
        return checks
    stacks = await asyncio.gather(*(_asked(cloud.stack, _name(question.stage, each)) for each in STACKS))
    checks += [
        account.stack(f"stack {name}", found, without=without)
        for (name, without), found in zip(STACKS.items(), stacks, strict=True)
    ]
    if _broken(checks):
        return checks
    task = await _asked(cloud.bridge_environment, _name(question.stage, "Bridge"))
    if isinstance(task, AwsFailed):
        return [*checks, account.incomplete(f"the bridge's task ({task})")]
    outputs = {name: value for each in stacks if isinstance(each, Stack) for name, value in each.outputs.items()}
    try:
        deployment = question.found_at(Deployment.read(outputs, task))
    except Incomplete as error:
        return [*checks, account.incomplete(str(error))]
    return checks + await _Rounds(question, cloud, probes, deployment).checks()


def deployed(stage: str, cloud: Cloud) -> Deployment:
    """Return where the deployment of `stage` is; blocks. Raises AwsFailed, Incomplete."""
    outputs: dict[str, str] = {}
    for each in STACKS:
        stack = cloud.stack(_name(stage, each))
        outputs |= {} if stack is None else stack.outputs
    if not outputs:
        raise Incomplete("no stack of it is in this account and region")
    return Deployment.read(outputs, cloud.bridge_environment(_name(stage, "Bridge")))


class _Rounds:
    """The checks that need a deployment which is there."""

    def __init__(self, question: Question, cloud: Cloud, probes: Probes, deployment: Deployment) -> None:
        self._question = question
        self._cloud = cloud
        self._probes = probes
        self._deployment = deployment
        self._values: dict[str, str] = {}  # of secrets, by variable; those that are fit for use

    async def checks(self) -> list[Check]:
        secrets = await self._secrets()
        rest = await asyncio.gather(
            _within("settings of numbers", self._settings()),
            _within("tasks of the bridge", self._tasks()),
            _within("Gladia", self._gladia()),
            _within("Gladia's sessions", self._slots()),
            _within("Twilio", self._twilio()),
            _within("number", self._number()),
            _within("webhook: a stranger", self._unsigned_webhook()),
            _within("webhook: Twilio", self._signed_webhook()),
            _within("media: address", self._media_address()),
            _within("media: health", self._health()),
            _within("media: a stranger", self._stranger_at_media()),
            _within("media: Twilio", self._twilio_at_media()),
            _within("HTTP API", self._http_api()),
            _within("push", self._push()),
        )
        return secrets + [check for checks in rest for check in checks]

    async def _secrets(self) -> list[Check]:
        arns = [self._deployment.secrets[kind.variable] for kind in SECRETS]
        texts = await asyncio.gather(*(_asked(self._cloud.secret, arn) for arn in arns))
        checks = []
        for kind, arn, text in zip(SECRETS, arns, texts, strict=True):
            check, value = account.secret(kind, text, arn=arn)
            checks.append(check)
            if value is not None:
                self._values[kind.variable] = value
        return checks

    async def _settings(self) -> list[Check]:
        name = self._parameter("settings")
        return [account.settings(await _asked(self._cloud.parameter, name), parameter=name)]

    async def _tasks(self) -> list[Check]:
        tasks = await _asked(self._cloud.perform, Sessions(self._deployment.sessions_table).tasks())
        return [account.tasks(tasks, now_ms=_now_ms())]

    async def _slots(self) -> list[Check]:
        slots = Slots(self._deployment.sessions_table, self._deployment.gladia_sessions)
        return [account.slots(await _asked(self._cloud.perform, slots.standing(now_ms=_now_ms())))]

    async def _gladia(self) -> list[Check]:
        key = self._values.get("GLADIA_SECRET")
        if key is None:
            return [_not_asked("Gladia", "Gladia's secret")]
        return [vendors.gladia(await self._probes.gladia(self._deployment.gladia_url, key=key))]

    async def _twilio(self) -> list[Check]:
        sid, token = self._question.account_sid, self._values.get("TWILIO_SECRET")
        if token is None:
            return [_not_asked("Twilio", "Twilio's secret")]
        if sid is None:
            return [vendors.twilio(None)]
        return [vendors.twilio(await self._probes.twilio(self._deployment.twilio_url, "", account=sid, token=token))]

    async def _number(self) -> list[Check]:
        sid, token, number = self._question.account_sid, self._values.get("TWILIO_SECRET"), self._question.number
        if number is None:
            return []
        if token is None or sid is None:
            return [_not_asked("number", "Twilio's secret and the account")]
        path = "/IncomingPhoneNumbers"
        url = self._deployment.twilio_url
        reply = await self._probes.twilio(url, path, account=sid, token=token, PhoneNumber=number)
        return vendors.number(reply, voice_url=self._deployment.voice_url, status_url=self._deployment.status_url)

    async def _unsigned_webhook(self) -> list[Check]:
        return [doors.unsigned_webhook(await self._probes.webhook(self._deployment.voice_url, token=None))]

    async def _signed_webhook(self) -> list[Check]:
        token = self._values.get("TWILIO_SECRET")
        if token is None:
            return [_not_asked("webhook: Twilio", "Twilio's secret")]
        return [doors.signed_webhook(await self._probes.webhook(self._deployment.stream_url, token=token))]

    async def _media_address(self) -> list[Check]:
        name = self._parameter("media-url")
        text = await _asked(self._cloud.parameter, name)
        return [account.media_address(text, parameter=name, media_url=self._deployment.media_url)]

    async def _health(self) -> list[Check]:
        return [doors.health(await self._probes.health(self._deployment.media_url))]

    async def _stranger_at_media(self) -> list[Check]:
        return [doors.stranger_at_media(await self._probes.stranger_at_media(self._deployment.media_url))]

    async def _twilio_at_media(self) -> list[Check]:
        token, signing_key = self._values.get("TWILIO_SECRET"), self._values.get("SIGNING_SECRET")
        if token is None or signing_key is None:
            return [_not_asked("media: Twilio", "Twilio's secret and the signing secret")]
        url = self._deployment.media_url
        reply = await self._probes.twilio_at_media(url, signing_key=signing_key, token=token)
        return [doors.twilio_at_media(reply)]

    async def _http_api(self) -> list[Check]:
        key = self._question.api_key
        reply = None if key is None else await self._probes.http_api(self._deployment.api_url, key=key)
        return [doors.http_api(reply, keys_table=self._deployment.keys_table)]

    async def _push(self) -> list[Check]:
        key = self._question.api_key
        return [] if key is None else doors.push(await self._probes.push(self._deployment.api_url, key=key))

    def _parameter(self, name: str) -> str:
        return f"/callscribe/{self._question.stage}/{name}"


async def _within(name: str, work: Coroutine[Any, Any, list[Check]]) -> list[Check]:
    try:
        async with asyncio.timeout(LIMIT_S):
            return await work
    except TimeoutError:
        return [wrong(name, f"nothing within {LIMIT_S:.0f} s", "ask again; if it stays so, see the log of who answers")]


async def _asked(ask: Callable[..., T], *arguments: Any) -> T | AwsFailed:
    try:
        async with asyncio.timeout(LIMIT_S):
            return await asyncio.to_thread(ask, *arguments)
    except AwsFailed as error:
        return error
    except TimeoutError:
        return AwsFailed("no answer in time")


def _not_asked(name: str, without: str) -> Check:
    return warning(name, f"not asked, for want of {without}", "see above")


def _broken(checks: list[Check]) -> bool:
    return any(check.outcome is Outcome.WRONG for check in checks)


def _name(stage: str, stack: str) -> str:
    return f"callscribe-{stage}-{stack.lower()}"


def _now_ms() -> int:
    return int(time.time() * 1000)
