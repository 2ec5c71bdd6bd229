"""The services this one is compared with, each as its own documentation shows it."""
