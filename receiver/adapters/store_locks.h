/* store_locks: the advisory locks of all receivers that write to one table. */
#ifndef ALPINE_RECEIVER_STORE_LOCKS_H
#define ALPINE_RECEIVER_STORE_LOCKS_H

/* Whoever extends the chain holds this one until the end of the transaction; 'alpine' in ASCII. tests/system uses
 * it to hold the chain. */
#define STORE_CHAIN_LOCK "107069087837797"

/* Whose session has this one takes the chain's lock next. Giving back a lock that one has not is a warning in the
 * server's log; so where that may be, it is given back only if it is there. */
#define STORE_TURN_LOCK "107069087837798"
#define STORE_PASS_TURN_IF_THERE                                                                                   \
    "SELECT pg_advisory_unlock(" STORE_TURN_LOCK ") FROM pg_locks WHERE locktype = 'advisory' "                    \
    "AND pid = pg_backend_pid() AND classid = " STORE_TURN_LOCK " >> 32 "                                          \
    "AND objid = " STORE_TURN_LOCK " & 4294967295 AND objsubid = 1"

#endif
