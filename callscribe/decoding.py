"""What a decoder of JSON can say of bytes from a peer."""

from __future__ import annotations

from typing import Final

import msgspec

# Measured with msgspec 0.22: a string that is no UTF-8 raises UnicodeDecodeError, and 100,000 opening brackets raise
# RecursionError, also where the field that they stand in isn't wanted. Neither is a DecodeError.
NOT_DECODABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
# Of text that is no bytes yet, which may hold halves of characters.
NO_MESSAGE: Final = (*NOT_DECODABLE, UnicodeEncodeError)
