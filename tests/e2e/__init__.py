"""The compose system, really run: ./run e2e."""
