"""Write RAR3 and RAR5 archives whose members are stored, not compressed: no free program writes any.

Layout after the published technical notes of the formats: blocks of a header with its checksum, then data.
"""

import struct
import zlib
from collections.abc import Mapping

UNIX = 3
MODE = {False: 0o100644, True: 0o120777}  # by whether the member is a symbolic link


SPLIT_BEFORE, SPLIT_AFTER, ENCRYPTED = 1, 2, 4  # flags of a member of a RAR3 archive


def rar3(members: Mapping[str, bytes], links: tuple[str, ...] = (), flags: int = 0) -> bytes:
    """A RAR 2.9 archive, as UCF11's; names in `links` are written as symbolic links. flags: of every member."""
    volume = bool(flags & (SPLIT_BEFORE | SPLIT_AFTER))
    out = [b"Rar!\x1a\x07\x00", _block3(0x73, volume, bytes(6))]
    for name, data in members.items():
        encoded, unicode = _name3(name)
        attributes = MODE[name in links]
        crc = zlib.crc32(data)
        # packed, unpacked, system, crc, time, version needed, method (0x30 is stored), name length, attributes
        fields = struct.pack(
            "<IIBIIBBHI", len(data), len(data), UNIX, crc, 0x40210000, 29, 0x30, len(encoded), attributes
        )
        own = 0x8000 | 0x0200 * unicode | flags
        out += [_block3(0x74, own, fields + encoded), data]
    return b"".join([*out, _block3(0x7B, 0x4000 | bool(flags & SPLIT_AFTER), b"")])


def _block3(kind: int, flags: int, body: bytes) -> bytes:
    rest = struct.pack("<BHH", kind, flags, 7 + len(body)) + body
    return struct.pack("<H", zlib.crc32(rest) & 0xFFFF) + rest


def _name3(name: str) -> tuple[bytes, bool]:
    """ASCII as it is; else the plain name, a zero and nothing after it, which readers take for UTF-8."""
    return name.replace("/", "\\").encode(), not name.isascii()


def rar5(members: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> bytes:
    """A RAR 5 archive; `links` are symbolic links and where they lead."""
    out = [b"Rar!\x1a\x07\x01\x00", _block5(1, 0, _vint(0))]
    for name, data in members.items():
        out += [_file5(name, data), data]
    for name, target in (links or {}).items():
        out += [_file5(name, b"", target)]
    return b"".join([*out, _block5(5, 0, _vint(0))])


def _file5(name: str, data: bytes, target: str | None = None) -> bytes:
    encoded = name.encode()
    attributes = MODE[target is not None]
    # file flags (4: checksum present), unpacked size, attributes, checksum, compression (0: stored), system (1: Unix)
    body = _vint(4) + _vint(len(data)) + _vint(attributes) + struct.pack("<I", zlib.crc32(data))
    body += _vint(0) + _vint(1) + _vint(len(encoded)) + encoded
    extra = b""
    if target is not None:
        record = _vint(5) + _vint(1) + _vint(0) + _vint(len(target)) + target.encode()
        extra = _vint(len(record)) + record
    sizes = (_vint(len(extra)) if extra else b"") + _vint(len(data))
    return _block5(2, 0x0002 | (0x0001 if extra else 0), sizes + body + extra)


def _block5(kind: int, flags: int, body: bytes) -> bytes:
    content = _vint(kind) + _vint(flags) + body
    sized = _vint(len(content)) + content
    return struct.pack("<I", zlib.crc32(sized)) + sized


def _vint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
