"""How fast it is, always beside something else that does the same on the same machine in the same run."""
