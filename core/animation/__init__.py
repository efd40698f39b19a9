"""Performances in time: recording, files, replay, and the demonstration."""
