"""Pixels: the posed head drawn off screen by VTK, with or without a display."""
