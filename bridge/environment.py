"""What the process is told by its environment, read once at start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields

from callscribe.errors import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The environment variables of the bridge; each field's is its name in capitals."""

    calls_table: str = field(metadata={"means": "the table of logs, one partition a call"})
    subscriptions_table: str = field(metadata={"means": "the table of who follows which call"})
    sessions_table: str = field(metadata={"means": "the table of live sessions: who has which, and the plan's slots"})
    keys_table: str = field(metadata={"means": "the table of trunks, and of API keys"})
    push_endpoint: str = field(metadata={"means": "the https address to post to clients' connections"})
    media_url: str = field(metadata={"means": "this bridge as carriers see it, wss; their signatures are over it"})
    gladia_secret: str = field(metadata={"means": "the secret with Gladia's API key"})
    twilio_secret: str = field(metadata={"means": "the secret with Twilio's auth token"})
    signing_secret: str = field(metadata={"means": "the secret that tickets are signed with"})
    assist_function: str = field(
        default="", metadata={"means": "the function that asks customers' hooks; without it none is asked"}
    )
    gladia_url: str = field(default="https://api.gladia.io", metadata={"means": "Gladia, or an emulation of it"})
    twilio_url: str = field(
        default="https://api.twilio.com", metadata={"means": "Twilio's REST API, or a simulation of it"}
    )
    gladia_sessions: int = field(default=30, metadata={"means": "live sessions that Gladia's plan allows at once"})
    slot_wait_s: int = field(
        default=60, metadata={"means": "seconds that a call waits for one of them, its audio kept"}
    )
    spill_dir: str = field(
        default="/spill", metadata={"means": "where entries wait on disk that DynamoDB can't take now"}
    )
    metrics_namespace: str = field(default="callscribe", metadata={"means": "CloudWatch's name for its metrics"})
    host: str = field(default="0.0.0.0", metadata={"means": "the address to listen on"})  # noqa: S104 - a container
    port: int = field(default=8080, metadata={"means": "the port to listen on; 0 picks a free one"})
    trusted_hops: int = field(
        default=0, metadata={"means": "proxies before it that say whom they saw, in X-Forwarded-For"}
    )
    certified_port: int = field(
        default=0,
        metadata={"means": "the port that only a balancer reaches which checks client certificates; 0: there is none"},
    )
    sip_port: int = field(default=0, metadata={"means": "the port of the SIP recording server; 0: there is none"})
    sips_port: int = field(default=0, metadata={"means": "its port of SIP over TLS; 0: there is none"})
    sip_certificate: str = field(
        default="", metadata={"means": "the file with its certificates and their key, in PEM, for the latter"}
    )
    audiosocket_port: int = field(default=0, metadata={"means": "the port of Asterisk's AudioSocket; 0: there is none"})
    audiosocket_trunk: str = field(
        default="", metadata={"means": "the trunk whose calls come there; its networks vouch for them"}
    )
    rtp_ports: str = field(default="10000-10999", metadata={"means": "the UDP ports that RTP is heard on"})
    media_host: str = field(
        default="", metadata={"means": "where senders of RTP reach it; without it, where they signalled to"}
    )
    drain_s: int = field(default=110, metadata={"means": "seconds that live calls may take to end after SIGTERM"})
    # CloudWatch keeps standard metrics by the minute.
    metrics_s: int = field(default=60, metadata={"means": "seconds from one line of counts in the log to the next"})


def read_environment(variables: Mapping[str, str]) -> Environment:
    """Return what `variables` say. Raises Refused, naming every variable that is missing or no number."""
    values: dict[str, str | int] = {}
    wrong: list[str] = []
    for each in fields(Environment):
        name = each.name.upper()
        text = variables.get(name, "")
        if not text:
            if each.default is MISSING:
                wrong.append(f"{name} is not set ({each.metadata['means']})")
        elif each.type != "int":
            values[each.name] = text
        elif text.isdecimal():
            values[each.name] = int(text)
        else:
            wrong.append(f"{name} is not a whole number ({each.metadata['means']})")
    if wrong:
        raise Refused("; ".join(wrong))
    return Environment(**values)  # type: ignore[arg-type]  # names and types were checked above
