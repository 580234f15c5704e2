"""What all faults have.

A fault is made with dice of its own, thrown, left alone for `seconds`, healed, and, once it has been seen that signals
arrive again, given the time for what it has to do `afterwards`. `needs` names what it must have for itself."""


class Fault:
    """What all of them have."""

    needs = ()
    longest = 3.0  # seconds

    def __init__(self, world, chance):
        self.world = world
        self.chance = chance
        self.seconds = round(chance.uniform(0.1, self.longest), 2)
        self.detail = ""
        self.draw()

    def draw(self):
        """Throw the dice that this fault needs."""

    def throw(self):
        raise NotImplementedError

    def heal(self):
        """Undo it."""

    def afterwards(self):
        """What takes longer than the healing, and hinders nobody."""

    @property
    def may_end(self):
        """Programs that may end by themselves of this."""
        return ()

    def __str__(self):
        return f"{type(self).__name__} {self.detail} {self.seconds} s".replace("  ", " ")
