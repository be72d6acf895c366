"""The command line: flags to settings, one flow, and its result on the screen or as JSON."""
