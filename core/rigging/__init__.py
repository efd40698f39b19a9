"""From photos to a personal rig, and the library of kept rigs."""
