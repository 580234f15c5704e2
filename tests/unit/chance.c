/* chance: Knuth's generator of 64 bits (MMIX), of which the upper half is good. */
#include "chance.h"

#include <stdint.h>

int chance(int below)
{
    static uint64_t state = 1;
    state = state * 6364136223846793005U + 1442695040888963407U;
    return (int)((state >> 33) % (uint64_t)below);
}
