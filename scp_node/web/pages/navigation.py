"""The places of the console, in the order of the navigation."""

from __future__ import annotations

from dataclasses import dataclass

from scp_node.ledger.account_records import Role


@dataclass(frozen=True)
class NavigationEntry:
    path: str
    caption: str
    role: Role = "viewer"


PLACES = (
    NavigationEntry("/", "Now"),
    NavigationEntry("/studies", "Studies"),
    NavigationEntry("/jobs", "Work"),
    NavigationEntry("/remote-aes", "Remote AEs"),
    NavigationEntry("/models", "Models"),
    NavigationEntry("/try", "Try"),
    NavigationEntry("/configuration", "Configuration", "admin"),
    NavigationEntry("/audit", "Audit", "admin"),
    NavigationEntry("/handbook", "Handbook"),
    NavigationEntry("/about", "About"),
)
