"""The order in which the sides of a comparison are measured."""

from bench.rig import turns


def test_every_other_round_goes_backwards():
    calls = []

    def side(name):
        def run():
            calls.append(name)
            return f"{name}{len(calls)}"
        return run

    assert turns(3, side("a"), side("b"), side("c")) == [["a1", "a6", "a7"], ["b2", "b5", "b8"], ["c3", "c4", "c9"]]
    assert "".join(calls) == "abccbaabc"
