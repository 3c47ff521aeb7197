"""`python -m hrpose`, and so `torchrun -m hrpose train ...`."""

from hrpose.cli import main

if __name__ == "__main__":
    main()
