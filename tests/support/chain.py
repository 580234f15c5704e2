"""The chain that Alpine's rows form, checked from outside."""


def check_chain(database):
    """Every row that came through the receiver stands in the chain; no gaps, no forks, each names its predecessor.
    Gives the number of links."""
    rows = database.query(
        "SELECT chain_index, previous_hash, verification_hash FROM signals WHERE chain_index IS NOT NULL"
        " ORDER BY chain_index, id")
    outside = database.value("SELECT count(*) FROM signals WHERE canonical IS NOT NULL AND chain_index IS NULL")
    assert outside == 0, f"{outside} rows are in no chain"
    indexes = [row["chain_index"] for row in rows]
    if rows:
        assert indexes == list(range(indexes[0], indexes[0] + len(rows))), "the chain has gaps or forks"
        assert rows[0]["previous_hash"] is None
    for before, row in zip(rows, rows[1:]):
        assert row["previous_hash"] == before["verification_hash"], f"the chain breaks at {row['chain_index']}"
    return len(rows)
