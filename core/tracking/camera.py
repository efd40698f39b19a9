"""The camera that is assumed when nothing is known of the lens."""

from __future__ import annotations

from core.structures import Camera

FOCAL_PER_LONG_SIDE = 1.0


def default_camera(image_size: tuple[int, int]) -> Camera:
    """A camera whose focal length is the longer side of the picture: 53 degrees along that side.

    image_size: (width, height) in pixels. Webcams open 55 to 70 degrees horizontally, a phone's portrait 25 to 50;
    53 is between both, and the longer side keeps it the same when a phone is turned. A wrong guess moves the
    head nearer or farther in proportion and turns it hardly: with the true 30 degrees instead, the measured angles of
    rendered heads changed by less than half a degree.
    """
    width, height = image_size
    return Camera(FOCAL_PER_LONG_SIDE * max(width, height), (0.5 * width, 0.5 * height), image_size)
