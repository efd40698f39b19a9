import pytest

from core.errors import RenderError
from core.rendering import graphics


def test_window_is_chosen_only_without_display_and_without_choice(monkeypatch):
    monkeypatch.setattr(graphics.sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv(graphics.WINDOW_VARIABLE, raising=False)
    graphics.choose_window()
    assert graphics.os.environ[graphics.WINDOW_VARIABLE] == graphics.EGL_WINDOW

    monkeypatch.setenv(graphics.WINDOW_VARIABLE, "vtkXOpenGLRenderWindow")
    graphics.choose_window()
    assert graphics.os.environ[graphics.WINDOW_VARIABLE] == "vtkXOpenGLRenderWindow"

    monkeypatch.delenv(graphics.WINDOW_VARIABLE)
    monkeypatch.setenv("DISPLAY", ":0")
    graphics.choose_window()
    assert graphics.WINDOW_VARIABLE not in graphics.os.environ


def test_absent_library_is_named_with_what_to_install(monkeypatch):
    monkeypatch.setitem(graphics.LIBRARIES, graphics.EGL_WINDOW, "libEGL-that-is-not-there.so.1")
    monkeypatch.setenv(graphics.WINDOW_VARIABLE, graphics.EGL_WINDOW)
    with pytest.raises(RenderError, match="apt-get install"):
        graphics.require_graphics()
