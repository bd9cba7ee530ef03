"""Travel documents held to the camera: the machine-readable zone, the portrait beside it, what contradicts the case."""
