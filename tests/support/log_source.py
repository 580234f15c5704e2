"""A sender that has Argo's log, and what a fake receiver got from it."""

from support.waiting import stays, wait_for

UNREADABLE = "A line of the log cannot be read"


def tailing(stage, far_end, argo, name="sender", **settings):
    """A sender that has both of Argo's files."""
    return stage.sender(far_end, argo, name, ARGO_SIGNALS_LOG=argo.log, **settings)


def trades(signals):
    return [signal for signal in signals if signal["action"]]


def ids(signals):
    return sorted(signal["signal_id"] for signal in signals)


def wait_posted(far_end, signals, limit=20):
    """Wait until all of these came in, and none but these; each exactly once."""
    wanted = {signal["signal_id"]: 1 for signal in signals}
    wait_for(lambda: len(far_end.times_posted) >= len(wanted), limit,
             lambda: f"{len(wanted)} signals to be posted; {len(far_end.times_posted)} were")
    assert far_end.times_posted == wanted


def stays_posted(far_end, signals, seconds=0.7):
    """Nothing more comes in."""
    wanted = {signal["signal_id"]: 1 for signal in signals}
    stays(lambda: far_end.times_posted == wanted, seconds, lambda: f"posted: {far_end.times_posted}")
