from local.twilio.mediastream import MediaStream

FRAME = b"\xff" * 160
SILENCE = "/" * 213 + "w=="  # 160 bytes of 0xFF in base64


def media_stream(**changes) -> MediaStream:
    defaults = {
        "stream_sid": "MZ1",
        "call_sid": "CA1",
        "account_sid": "AC1",
        "tracks": ("inbound", "outbound"),
        "parameters": (("tenant", "t-42"), ("ticket", 'a "b"')),
        "chunks": "shared",
        "first_timestamp_ms": 102,
    }
    return MediaStream(**defaults | changes)


def test_it_opens_with_connected_and_start_to_the_letter():
    connected, start = media_stream().opening()
    assert connected == '{"event":"connected","protocol":"Call","version":"1.0.0"}'
    assert start == (
        '{"event":"start","sequenceNumber":"1","streamSid":"MZ1",'
        '"start":{"streamSid":"MZ1","accountSid":"AC1","callSid":"CA1","tracks":["inbound","outbound"],'
        '"customParameters":{"tenant":"t-42","ticket":"a \\"b\\""},'
        '"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}}}'
    )


def test_media_is_numbered_after_start_and_timed_from_a_first_timestamp_that_is_not_0():
    messages = media_stream()
    messages.opening()
    assert messages.media("inbound", 0, FRAME) == (
        '{"event":"media","sequenceNumber":"2","streamSid":"MZ1",'
        f'"media":{{"track":"inbound","chunk":"1","timestamp":"102","payload":"{SILENCE}"}}}}'
    )
    assert messages.media("outbound", 0, FRAME) == (
        '{"event":"media","sequenceNumber":"3","streamSid":"MZ1",'
        f'"media":{{"track":"outbound","chunk":"2","timestamp":"102","payload":"{SILENCE}"}}}}'
    )
    assert '"chunk":"3","timestamp":"122"' in messages.media("inbound", 20, FRAME)


def test_chunks_can_count_once_a_track():
    messages = media_stream(chunks="per_track")
    assert '"chunk":"1"' in messages.media("inbound", 0, FRAME)
    assert '"chunk":"1"' in messages.media("outbound", 0, FRAME)
    assert '"chunk":"2"' in messages.media("inbound", 20, FRAME)


def test_it_ends_with_a_numbered_stop():
    messages = media_stream()
    messages.opening()
    messages.media("inbound", 0, FRAME)
    assert messages.stop() == (
        '{"event":"stop","sequenceNumber":"3","streamSid":"MZ1","stop":{"accountSid":"AC1","callSid":"CA1"}}'
    )
