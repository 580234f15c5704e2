/* skew: see skew.h. */
#include "base/skew.h"

int64_t skew_us(int64_t sent_us, int64_t answered_us, int64_t other_us, int64_t step_us)
{
    int64_t most = answered_us - other_us;
    int64_t least = sent_us - (other_us + step_us);
    if (least > 0)
        return least;
    return most < 0 ? most : 0;
}
