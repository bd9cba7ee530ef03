"""The link daemon: sealed files out, verified messages in; no device, no key that opens anything. Rules: docs/link.md."""
