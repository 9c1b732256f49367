"""Bytes of a file to text, with a diagnostic for everything that can be wrong before there is any text."""

from __future__ import annotations

import os
import re
import stat
import sys
from codecs import BOM_UTF8

from polc.diagnostics import Failure
from polc.source import SourceFile

LARGEST = 64 << 20
"""Bytes of the largest policy file that is read: some hundred times the largest policies known."""

_CONTROLS = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f"
"""What a YAML text may not hold (YAML 1.2, section 5.1): of ASCII, and of the rest."""
_BEYOND_ASCII = "\x80-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff"


def read_file(path: str, *, standard_input: bool = False, dump: bool = False) -> SourceFile:
    """Read a policy file as UTF-8, with or without a byte order mark; ``standard_input``: that, under this name.
    ``dump``: it is the file of another firewall.

    Raises:
        Failure: POL001 to POL005.
    """
    source = _decode(path, _read_bytes(path, standard_input, LARGEST))
    text = source.text
    # Two patterns, because one with wide characters takes milliseconds to compile and most policies are ASCII.
    forbidden = re.search(f"[{_CONTROLS}]" if text.isascii() else f"[{_CONTROLS}{_BEYOND_ASCII}]", text)
    if forbidden:
        at = forbidden.start()
        shown = f"character U+{ord(forbidden.group()):04X}"
        what = "file" if dump else "policy"
        raise Failure.of("POL003", f"{shown} may not stand in a {what}", source.span(at, at + 1))
    if not text.strip() and dump:
        raise Failure.of("POL004", "the file is empty", source.whole(), help="did the command that wrote it fail?")
    if not text.strip():
        raise Failure.of("POL004", "the policy is empty", source.whole(), help="the least policy is `polc: 1`")
    return source


def read_text(path: str, largest: int) -> SourceFile:
    """Read any file of at most ``largest`` bytes as UTF-8.

    Raises:
        Failure: POL001, POL002, POL005.
    """
    return _decode(path, _read_bytes(path, False, largest))


def _decode(path: str, data: bytes) -> SourceFile:
    data = data.removeprefix(BOM_UTF8)
    try:
        return SourceFile(path, data.decode())
    except UnicodeDecodeError as error:
        raise _not_utf8(path, data, error) from None


def _read_bytes(path: str, standard_input: bool, largest: int) -> bytes:
    data = _read_up_to(path, standard_input, largest + 1)
    if len(data) > largest:
        raise Failure.of("POL005", f"the file is larger than {largest >> 20} MiB", path=path)
    return data


def _read_up_to(path: str, standard_input: bool, size: int) -> bytes:
    try:
        if standard_input:
            return sys.stdin.buffer.read(size)
        # Opening a pipe that nobody writes to would wait for ever; so it is merely empty.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            mode = os.fstat(handle).st_mode
            if stat.S_ISDIR(mode):
                raise IsADirectoryError(0, "it is a directory")
            os.set_blocking(handle, True)
            return file.read(size)
    except IsADirectoryError:
        reason = "it is a directory"
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
    except ValueError:
        reason = "its name holds a character that no file name has"
    raise Failure.of("POL001", f"cannot read `{path}`: {reason}", path=path)


def _not_utf8(path: str, data: bytes, error: UnicodeDecodeError) -> Failure:
    at = error.start
    # The text as far as it is sound, then a replacement for each bad byte: the caret stands under the first.
    source = SourceFile(path, data.decode(errors="replace"))
    offset = len(data[:at].decode())
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    return Failure.of(
        "POL002",
        f"byte 0x{data[at]:02x} is not UTF-8",
        source.span(offset, offset + 1),
        help="the file looks like UTF-16: save it as UTF-8" if wide else "save the file as UTF-8",
    )
