"""Frames of Gazebo Classic's transport, as its class Connection has them: eight hexadecimal digits, which are the length,
and so many bytes."""

HEADER = 8
# No message is longer; a length beyond it means that the other end speaks something else.
LONGEST = 64 * 1024 * 1024


class TransportError(Exception):
    """Gazebo can't be reached, or doesn't speak its transport; the text says what to do."""


def frame(payload: bytes) -> bytes:
    return f"{len(payload):08x}".encode() + payload


class Frames:
    """Bytes in the pieces in which they come to the payloads of whole frames."""

    def __init__(self) -> None:
        self.rest = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        self.rest += data
        payloads, at = [], 0
        while len(self.rest) - at >= HEADER:
            digits = bytes(self.rest[at:at + HEADER])
            try:
                length = int(digits, 16)
            except ValueError:
                said = f"a frame begins with {digits!r}, not with its length: no Gazebo Classic"
                raise TransportError(said) from None
            if length > LONGEST:
                raise TransportError(f"a frame of {length} bytes, at most {LONGEST} are right: no Gazebo Classic")
            end = at + HEADER + length
            if len(self.rest) < end:
                break
            payloads.append(bytes(self.rest[at + HEADER:end]))
            at = end
        del self.rest[:at]
        return payloads
