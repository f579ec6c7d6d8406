"""The command line `callscribe`."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from local import demonstration
from local.commands import connect as connect_command
from local.commands import doctor as doctor_command
from local.commands import hooks, keys, product, trunks, webhooks
from local.commands import search as search_command
from local.commands import status as status_command
from local.commands.deployment import UP_FILE, State, addresses_of
from local.commands.shown import console, errors, fail, run, told
from local.laptop import SETTINGS, STATE, Addresses, laptop
from local.peers.call import Kind
from local.peers.door import SIMULATOR, Door
from local.placing import SIMULATED, place_and_follow, tracks_of
from local.trunk_placing import call_by_trunk

app = typer.Typer(
    help="Live transcripts of phone calls.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


class Recogniser(StrEnum):
    """What hears for the emulated Gladia."""

    WHISPER = "whisper"  # speech
    SCRIPTED = "scripted"  # text written in the audio, for tests


CallName = Annotated[str, typer.Argument(help="a recorded call by name: see local/calls")]
Files = Annotated[list[Path] | None, typer.Argument(help="one file a track: the caller's, then the other party's")]


@app.command()
def demo(
    call: CallName = "voicemail",
    *,
    seconds: Annotated[float | None, typer.Option(help="hang up after so many seconds of the call")] = None,
    timings: Annotated[bool, typer.Option("--timings", help="show what the start took, stage by stage")] = False,
) -> None:
    """Place a simulated call of recorded speech and show its words as they are said."""
    raise typer.Exit(run(demonstration.run(call, console=console, seconds=seconds, timings=timings)))


@app.command()
def up(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="print the addresses as JSON")] = False,
    settings: Annotated[Path, typer.Option(help="the numbers' settings", exists=True, dir_okay=False)] = SETTINGS,
    state: Annotated[
        Path, typer.Option(help="the folder for logs and state", file_okay=False, show_default=".callscribe")
    ] = STATE,
    recogniser: Annotated[Recogniser, typer.Option(help="of the emulated Gladia")] = Recogniser.WHISPER,
) -> None:
    """Run everything but the call, until interrupted."""
    run(_up(as_json=as_json, settings=settings, state=state, recogniser=recogniser.value))


@app.command()
def call(
    files: Files = None,
    *,
    recorded: Annotated[str | None, typer.Option("--recorded", help="a recorded call by name instead of files")] = None,
    voice_url: Annotated[
        str | None, typer.Option(help="the voice webhook of a deployment; else the one that is up")
    ] = None,
    status_url: Annotated[str | None, typer.Option(help="its webhook for call status changes")] = None,
    account_sid: Annotated[str | None, typer.Option(envvar="TWILIO_ACCOUNT_SID", help="the account that calls")] = None,
    auth_token: Annotated[str | None, typer.Option(envvar="TWILIO_AUTH_TOKEN", help="signs as the account")] = None,
    to: Annotated[str, typer.Option(help="the number that is called")] = SIMULATED.to_number,
    kind: Annotated[Kind | None, typer.Option("--as", help="whom it comes from instead of Twilio")] = None,
    media_url: Annotated[
        str | None,
        typer.Option(help="with --as: a deployment's wss://HOST, sip:HOST:PORT or tcp://HOST:PORT; else the laptop's"),
    ] = None,
    trunk: Annotated[str, typer.Option(help="with --as and --media-url: who lets it in")] = SIMULATOR,
    secret: Annotated[str, typer.Option(envvar="CALLSCRIBE_TRUNK_SECRET", help="the trunk's")] = "",
    state: State = STATE,
) -> None:
    """Place a simulated call to any deployment, with the audio of FILES, and show how it goes."""
    with told():
        tracks = tracks_of(files or [], recorded)
        if kind is not None:
            addresses = addresses_of(state) if media_url is None else None
            door = Door(media_url, trunk, secret) if media_url is not None else None
            raise typer.Exit(run(call_by_trunk(kind, tracks, addresses=addresses, door=door, console=console)))
        addresses = addresses_of(state) if voice_url is None else None
        if voice_url is not None and auth_token is None:
            fail("--voice-url needs --auth-token, or TWILIO_AUTH_TOKEN: webhooks are signed with it")
        code = run(
            place_and_follow(
                tracks,
                addresses=addresses,
                voice_url=voice_url,
                status_url=status_url,
                account_sid=account_sid,
                auth_token=auth_token,
                to_number=to,
                console=console,
            )
        )
    raise typer.Exit(code)


app.command()(product.tail)
app.command()(product.calls)
app.command()(product.export)
app.command(context_settings={"ignore_unknown_options": True})(search_command.search)  # -word leaves a word out
app.command()(status_command.status)
app.command()(doctor_command.doctor)
app.command()(connect_command.connect)
app.add_typer(keys.app, name="keys")
app.add_typer(trunks.app, name="trunks")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(hooks.app, name="hooks")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def gladia(context: typer.Context) -> None:
    """Run the emulated Gladia alone, for any client of its API; `callscribe gladia --help` lists its options."""
    from local.gladia.__main__ import main  # noqa: PLC0415 - an eighth of what all other commands import

    raise typer.Exit(main(context.args, program="callscribe gladia"))


async def _up(*, as_json: bool, settings: Path, state: Path, recogniser: str) -> int:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    kept = state / UP_FILE
    with contextlib.ExitStack() as shown:
        status = shown.enter_context(errors.status("setting up"))
        starting = laptop(progress=status.update, state_dir=state, settings=settings, recogniser=recogniser)
        async with starting as (addresses, _):
            shown.close()
            kept.touch(mode=0o600)
            kept.write_bytes(msgspec.json.encode(addresses))
            try:
                print(msgspec.json.encode(addresses).decode() if as_json else _summary(addresses), flush=True)
                await stopped.wait()
            finally:
                kept.unlink(missing_ok=True)
    return 0


def _summary(addresses: Addresses) -> str:
    return "\n".join(
        [
            f"voice webhook   {addresses.voice_url}",
            f"status webhook  {addresses.status_url}",
            f"media streams   {addresses.media_url}/twilio/<ticket>, or /<dialect>/<trunk> (docs/sip)",
            f"recordings      {addresses.sip_url.replace('sip:', 'sip:<trunk>:<secret>@')} (docs/sip/siprec.md)",
            f"push            {addresses.push_url}?ticket=<ticket>",
            f"HTTP API        {addresses.api_url}/v1/calls, with Authorization: Bearer {addresses.api_key}",
            f"Gladia          {addresses.gladia_url}",
            f"page            {addresses.page_url}",
            "",
            "in another terminal: callscribe call --recorded voicemail",
            "Ctrl-C ends it",
        ]
    )


if __name__ == "__main__":
    app()
