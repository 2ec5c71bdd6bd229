"""The command line, run as people run it: a process, its output and its exit code."""
