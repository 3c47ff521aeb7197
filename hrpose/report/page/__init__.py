"""The numbers of a report as one HTML page with charts and pictures inside it."""
