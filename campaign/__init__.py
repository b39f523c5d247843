"""Where it comes together: placing scenarios, recordings on disk, command line, pytest plugin."""
