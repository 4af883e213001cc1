"""What a production install consists of: its bill of materials and the notices of others, made from the lock."""

from tests.support.checkout import CONFIG

BILL = CONFIG / "deploy" / "hilum.cdx.json"
NOTICES = CONFIG / "deploy" / "THIRD-PARTY-NOTICES.txt"
