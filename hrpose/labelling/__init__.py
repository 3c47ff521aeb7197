"""Which frames a person should label next: found in a table of predictions, with the reason."""
