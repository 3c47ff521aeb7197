"""Work about hrpose, not part of it: measured, compared, broken on purpose, traced."""
