"""Where to look in a frame: whole, in boxes that are given, or where the animal was before."""
