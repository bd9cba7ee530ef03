"""Front panel: buttons and LEDs over gpiozero, real pins or the emulated pin factory."""
