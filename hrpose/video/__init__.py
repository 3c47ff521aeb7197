"""Videos: frames in, in their order, and drawn frames out."""
