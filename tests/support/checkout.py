"""Where the folders of this checkout are; no other test counts its way up to them."""

from __future__ import annotations

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
CONFIG = CHECKOUT / "config"
MODELS = CHECKOUT / "models"
GOLDEN = CHECKOUT / "tests" / "golden" / "models"
