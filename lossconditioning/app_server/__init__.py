"""The server of the apps, in a folder of its own: as a program it imports nothing of the package, and no torch."""
