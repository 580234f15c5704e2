/* skew: see skew.h. */
#include "engine/skew.h"

#define DATE_STEP_US 1000000

int64_t skew_us(int64_t sent_us, int64_t answered_us, int64_t date_us)
{
    int64_t most = answered_us - date_us;
    int64_t least = sent_us - (date_us + DATE_STEP_US);
    if (least > 0)
        return least;
    return most < 0 ? most : 0;
}
