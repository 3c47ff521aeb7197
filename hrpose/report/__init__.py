"""`hrpose report`: what was trained and how good it is, as one page and as numbers in a file."""
