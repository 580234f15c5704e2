"""What the tests and the demo share: real servers, real programs, models of the far ends, and faults to throw at them.

Only the standard library and, inside `postgres.Database.connect`, psycopg2: the demo runs without it.
"""
