"""The parametric head, its packs, linear blend skinning, and `HeadRig` with its GLB form."""
