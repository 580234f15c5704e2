"""The faults harness: everything at once, everything going wrong, and a proof at the end. See __main__.py."""
