"""What every section of the configuration is made of: a frozen, strict model, and the types of its fields.

Text is not turned into numbers, `yes` is not turned into true. A validator raises ValueError, whose text is shown with
the place in the file.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from scp_node.tls.certificates import fingerprint, name_attributes

HOST_CHARS_MAX = 253  # RFC 1035 2.3.4
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")


def _ae_title(value: str) -> str:
    """PS3.5 6.2, VR AE: at most 16 characters; spaces at either end do not count."""
    title = value.strip(" ")
    if not 1 <= len(title) <= 16:
        raise ValueError(f"an AE title has 1 to 16 characters, this one has {len(title)}")
    if "\\" in title or not title.isascii() or not title.isprintable():
        raise ValueError("an AE title is printable ASCII without backslash")
    return title


def _code_string(value: str) -> str:
    """PS3.5 6.2, VR CS: upper case, digits, space, underscore; at most 16 characters."""
    if not re.fullmatch(r"[A-Z0-9_][A-Z0-9_ ]{0,15}", value):
        raise ValueError(f"'{value}' is not a DICOM code: at most 16 upper-case letters, digits, spaces, underscores")
    return value


def _address(value: str) -> str:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        raise ValueError(f"'{value}' is not an IP address; 0.0.0.0 listens on all, 127.0.0.1 on this machine") from None
    return value


def _network(value: str) -> str:
    """One address, or the addresses of a network."""
    try:
        ipaddress.ip_network(value)
    except ValueError:
        try:
            meant = f"; did you mean {ipaddress.ip_network(value, strict=False)}?"
        except ValueError:
            meant = ""
        raise ValueError(f"'{value}' is not an IP address or network such as 10.1.0.0/16{meant}") from None
    return value


def _subject(value: str) -> str:
    name_attributes(value)
    return value


def _host(value: str) -> str:
    """An IPv4 address of four numbers, an IPv6 address, or a host name (RFC 1123 2.1; underscores are in use, too).

    A last label that is a number makes an address of it. Resolvers read `192.168.1` as 192.168.0.1, and `10.0.0.010` as
    10.0.0.8: who wrote it did not mean that.
    """
    labels = value.removesuffix(".").split(".")
    if re.fullmatch(r"[0-9]+|0[xX][0-9A-Fa-f]*", labels[-1]) or re.fullmatch(r"[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*", value):
        try:
            ipaddress.ip_address(value)
        except ValueError:
            raise ValueError(
                f"'{value}' is not an IP address: four numbers from 0 to 255 without leading zeros, or IPv6 without "
                "brackets"
            ) from None
    elif len(value) > HOST_CHARS_MAX or not all(map(_LABEL.fullmatch, labels)):
        raise ValueError(f"'{value}' is not a host name or IP address; the port has its own key")
    return value


AETitle = Annotated[
    str, AfterValidator(_ae_title), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 16, "format": "ae"})
]
CodeString = Annotated[
    str, AfterValidator(_code_string), WithJsonSchema({"type": "string", "pattern": "^[A-Z0-9_][A-Z0-9_ ]{0,15}$"})
]
BindAddress = Annotated[str, AfterValidator(_address), WithJsonSchema({"type": "string", "format": "ip"})]
Network = Annotated[str, AfterValidator(_network), WithJsonSchema({"type": "string", "format": "network"})]
Fingerprint = Annotated[str, AfterValidator(fingerprint), WithJsonSchema({"type": "string", "format": "fingerprint"})]
Subject = Annotated[str, AfterValidator(_subject), WithJsonSchema({"type": "string", "format": "subject"})]
Host = Annotated[
    str,
    AfterValidator(_host),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": HOST_CHARS_MAX, "format": "host"}),
]
Folder = Annotated[Path, Field(strict=False), WithJsonSchema({"type": "string", "format": "folder"})]
File = Annotated[Path, Field(strict=False), WithJsonSchema({"type": "string", "format": "file"})]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(ge=0, le=86400)]
Bytes = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
