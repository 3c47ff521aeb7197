"""hrpose in Python: `load_model`, and the two names that users of MMPose know."""
