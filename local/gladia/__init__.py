"""An emulated Gladia: the live speech-to-text API (v2) on one loopback port, with a recogniser that really listens.

Any client of Gladia's live API can be pointed at it: `POST /v2/live`, the WebSocket of the answer's URL, and the
results by GET, list, DELETE, PATCH and file. Its ways are those of Gladia's OpenAPI and AsyncAPI documents and of its
documentation; where these are silent or disagree, a field of `settings.Settings` holds the likelier behaviour and
lets a test ask for the other.

What it does otherwise than Gladia, on purpose:

- Entities, sentiments and summaries are found by rules and short lists of English (`intelligence`): what they find is
  there, and they find less than Gladia does. For translation there is nothing: the option is accepted, and each result
  asked for comes as the API's own failed add-on message (`error` filled, `data` null), never as an invention.
- With Whisper tiny.en it hears English only. A session in other languages is opened as Gladia would open it, gets its
  speech events, and no transcripts; the log says so when it opens. No languages at all means English.
- Callbacks and webhooks are not sent, and the log says so when a session asks for them. `audio_enhancer`,
  `speech_threshold`, custom vocabulary and custom spelling are accepted and change nothing.
- A message that Gladia does not define, or that is no JSON, is ignored and counted. Audio that cannot be decoded gets
  a negative acknowledgement. A message that ends within a sample is joined with the next, as the official client's
  replay in pieces of 512 KiB needs for some formats.

Decisions live in `session` (no socket, clock or thread), `request`, `validation` and `results`; `wire` and `server`
carry them out.

What can go wrong on demand is in `faults`; `plan` says which session gets what, by script and by seed; `injector` deals
it out and lists what struck; `interference` does it, between a session and its wire.
"""
