"""The command line's groups of commands, a module for each."""
