"""Where optional model packs come from, and whether they are there."""
