"""wespk: speaker verification and identification, as recipes and as a library."""

__version__ = "0.1.0"
