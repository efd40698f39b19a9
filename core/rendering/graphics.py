"""The way to OpenGL without a screen: which window VTK shall open, and plain words when there is none."""

from __future__ import annotations

import ctypes
import os
import sys

from core.errors import RenderError

WINDOW_VARIABLE = "VTK_DEFAULT_OPENGL_WINDOW"
EGL_WINDOW = "vtkEGLRenderWindow"
OSMESA_WINDOW = "vtkOSOpenGLRenderWindow"
LIBRARIES = {EGL_WINDOW: "libEGL.so.1", OSMESA_WINDOW: "libOSMesa.so.8"}
ADVICE = (
    "Install Mesa's software OpenGL (Debian and Ubuntu: `apt-get install libegl1 libegl-mesa0 libgl1 libgl1-mesa-dri`) "
    "and start again."
)


def choose_window() -> None:
    """Asks VTK for an EGL window on Linux without a display; a choice made by the user stays."""
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        os.environ.setdefault(WINDOW_VARIABLE, EGL_WINDOW)


def require_graphics() -> None:
    """Raises RenderError where the chosen window has no library or no driver: VTK itself ends the process there."""
    window = os.environ.get(WINDOW_VARIABLE, "")
    library = LIBRARIES.get(window)
    if library is None:
        return
    try:
        loaded = ctypes.CDLL(library)
    except OSError as error:
        raise RenderError(f"Drawing the head needs {library}, but it did not load ({error}). {ADVICE}") from error
    if window == EGL_WINDOW and _egl_device_count(loaded) == 0:
        raise RenderError(f"Drawing the head needs an OpenGL driver, but {library} finds none. {ADVICE}")


def _egl_device_count(egl: ctypes.CDLL) -> int:
    """How many devices EGL can draw on (EGL_EXT_device_enumeration); Mesa's software driver counts as one."""
    egl.eglGetProcAddress.restype = ctypes.c_void_p
    address = egl.eglGetProcAddress(b"eglQueryDevicesEXT")
    if not address:
        return 0
    signature = ctypes.CFUNCTYPE(ctypes.c_uint, ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ctypes.c_int))
    count = ctypes.c_int(0)
    signature(address)(0, None, ctypes.byref(count))
    return count.value
