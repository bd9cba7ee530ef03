"""The link daemon: sealed files out, verified messages in; no device, no key that opens anything (docs/link.md)."""
