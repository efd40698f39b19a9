"""A head in 3D in the visitor's browser: three.js from this folder, nothing from elsewhere."""
