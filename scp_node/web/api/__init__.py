"""What programs ask: JSON that response models declare, described in /api/openapi.json."""
