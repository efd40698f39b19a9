"""One family of errors. A message says what was expected, what came, and what to do."""

from __future__ import annotations


class LiveAvatarError(Exception):
    """Base of every error this project raises on purpose; its text is fit for a user."""


class InputError(LiveAvatarError, ValueError):
    """A value, an argument or a file's content is not what was asked for."""


class MediaError(LiveAvatarError):
    """An image, a video or a sound could not be read or written."""


class NoFaceError(LiveAvatarError):
    """A face was needed and none was found, or it was not whole."""


class RigError(LiveAvatarError):
    """A rig file or its parts do not fit together."""


class ModelPackError(LiveAvatarError):
    """An optional model pack is absent, damaged or of another kind."""


class TakeError(LiveAvatarError):
    """A recorded take could not be read."""


class StreamError(LiveAvatarError):
    """A packet from outside is damaged or of another format, or a stream cannot be set up as asked."""


class RenderError(LiveAvatarError):
    """The picture could not be drawn, or a renderer was used from a thread that does not own it."""


class Cancelled(LiveAvatarError):
    """The user stopped a long piece of work."""
