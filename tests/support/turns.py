"""How a receiver comes to take turns: it had to wait, so somebody else writes too."""

import threading

from support.locks import CHAIN_LOCK, Held


def post_while_held(receiver, maker, lock):
    """Post a signal that has to wait for this lock, which is free again once it does; the status."""
    answers = []
    with Held(receiver.database, lock) as held_lock:
        poster = threading.Thread(target=lambda: answers.append(receiver.post(maker.signal())))
        poster.start()
        held_lock.wait_waiting()
    poster.join()
    return answers[0].status


def make_contended(receiver, maker):
    """It had to wait for the chain just now, and so takes turns for a while."""
    assert post_while_held(receiver, maker, CHAIN_LOCK) == 201
    return receiver
