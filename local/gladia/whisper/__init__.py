"""A recogniser that really hears: OpenAI's Whisper tiny.en, run by CTranslate2, with Silero's detector as endpointer.

English only. `model` knows what was said in a piece of audio, `endpointer` which pieces there are, `recogniser` lets
many channels share both, off the event loop; `transcribe` hears one track from its bytes, without any server.
"""
