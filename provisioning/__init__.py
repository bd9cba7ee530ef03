"""What a fleet admin does: keys and certificates of broker, centre and stations, revocation, the broker."""
