"""Settings of a node that delivers to remote AEs of this machine."""

from __future__ import annotations

from typing import Any

from scp_node.settings import Settings


def settings_for(
    remotes: dict[str, tuple[str, int]],
    *,
    tls: dict[str, Any] | None = None,
    asked: dict[str, Any] | None = None,
    **delivery: float,
) -> Settings:
    """Settings of a node whose remote AEs are (AE title, port) on this machine, with quick timeouts; `asked` is what
    each remote AE is asked for beside these."""
    names = list(remotes)
    return Settings.model_validate(
        {
            "node": {"ae_title": "HILUM"},
            "tls": tls or {},
            "remote_aes": {
                name: {"ae_title": ae_title, "host": "127.0.0.1", "port": port, "may_send": name == names[0]}
                | (asked or {})
                for name, (ae_title, port) in remotes.items()
            },
            "routes": [{"name": "chest", "model": "pneumonia", "to": names}],
            "delivery": {"connect_timeout_s": 5.0, "response_timeout_s": 5.0, "keep_open_s": 30.0, **delivery},
        }
    )
