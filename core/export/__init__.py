"""Files for other programs: a rig as GLB, checked before it lands."""
