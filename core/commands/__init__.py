"""The commands of `python -m core`: thin, each asks the rooms and shows what they answer."""
