"""`python -m wespk` is the `wespk` command."""

from wespk.cli.main import main

if __name__ == "__main__":
    main()
