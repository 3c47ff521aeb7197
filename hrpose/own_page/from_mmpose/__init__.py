"""From a config page of MMPose, 0.x or 1.x, to one of hrpose: `hrpose convert-config`."""
