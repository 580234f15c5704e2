/* chance: numbers that look random and are the same in every run. */
#ifndef ALPINE_UNIT_CHANCE_H
#define ALPINE_UNIT_CHANCE_H

/* From 0 to below - 1. */
int chance(int below);

#endif
