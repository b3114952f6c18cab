"""The `wespk` command: one file a verb, which parses arguments, calls the library and prints the result."""
