"""Makes the built-in head: each module builds one part of it from numbers and formulas, none reads a foreign mesh."""
