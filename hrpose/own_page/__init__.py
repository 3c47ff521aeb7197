"""From annotation files to a config page of one's own: `hrpose init`."""
