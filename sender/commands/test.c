/* test: health, key, and a dry-run signal end to end. */
#include "commands/commands.h"
#include "commands/probe.h"

int command_test(struct invocation *invocation)
{
    struct probe_facts facts;
    struct report *report = report_new();
    if (!report)
        return EXIT_FAILED;
    if (probe_health(report, invocation, &facts) && probe_key(report, invocation)) {
        if (facts.dry_run)
            (void)probe_signal(report, invocation);
        else
            report_add(report, REPORT_PASS, "signal",
                       "not tried: this older receiver knows no dry run and would store it");
    }
    return report_finish(report, command_has_flag(invocation, "--json"));
}
