"""Faces over the wire: formats of other programs, and the server of our own."""
