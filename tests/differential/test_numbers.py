"""Every double is written as CPython's repr writes it."""

import math
import struct

import pytest

RANDOM = 1_000_000


def compare(ask, doubles):
    assert doubles
    answers = ask("numbers", struct.pack(f"{len(doubles)}d", *doubles))
    assert len(answers) == len(doubles)
    wrong = [(value.hex(), repr(value), answer.decode(errors="replace"))
             for value, answer in zip(doubles, answers) if repr(value).encode() != answer]
    assert not wrong, f"{len(wrong)} of {len(doubles)}; the first (bits, CPython's, ours): {wrong[:5]}"


def with_neighbours(values):
    return [near for value in values
            for near in (math.nextafter(value, 0), value, math.nextafter(value, math.inf)) if math.isfinite(near)]


@pytest.mark.slow
def test_random_bits(ask, chance, scale):
    count = scale(RANDOM) + scale(RANDOM) // 1000  # some are no finite numbers
    doubles = struct.unpack(f"{count}d", chance.randbytes(8 * count))
    finite = [value for value in doubles if math.isfinite(value)]
    assert len(finite) >= scale(RANDOM)
    compare(ask, finite)


def test_powers_of_two(ask):
    powers = [math.ldexp(1, exponent) for exponent in range(-1074, 1024)]
    compare(ask, with_neighbours(powers + [-power for power in powers]))


def test_powers_of_ten(ask):
    compare(ask, with_neighbours(float(f"{digit}e{exponent}") for exponent in range(-324, 308) for digit in (1, 2, 5, 9)))


def test_subnormals(ask, chance, scale):
    lengths = [chance.getrandbits(chance.randint(1, 52)) for _ in range(scale(100_000))]
    compare(ask, list(struct.unpack(f"{len(lengths)}d", struct.pack(f"{len(lengths)}Q", *lengths))))


def test_around_the_smallest_normal(ask):
    first = struct.unpack("Q", struct.pack("d", 2.2250738585072014e-308))[0]
    near = range(first - 5000, first + 5000)
    compare(ask, list(struct.unpack(f"{len(near)}d", struct.pack(f"{len(near)}Q", *near))))


def test_short_decimals(ask, chance, scale):
    compare(ask, [float(f"{chance.randrange(10 ** chance.randint(1, 17))}e{chance.randint(-25, 20)}")
                  for _ in range(scale(300_000))])


def test_prices(ask, chance, scale):
    compare(ask, [value for _ in range(scale(100_000))
                  for price in [round(chance.uniform(0, 10.0 ** chance.randrange(1, 8)), chance.randrange(9))]
                  for value in (price, price * 1.05, price / 3, -price)])


def test_whole_numbers(ask, chance, scale):
    whole = [float(chance.getrandbits(chance.randint(1, 64))) for _ in range(scale(100_000))]
    compare(ask, whole + with_neighbours([2.0 ** 53, 1e15, 1e16, 1e17, 1e22, 1e23]))
