/* check: is everything set up? Each item with what to do about it. */
#include "commands/checking.h"
#include "commands/commands.h"

int command_check(struct invocation *invocation)
{
    struct checking checking = {.report = report_new(), .invocation = invocation, .settings = invocation->values};
    struct err ignored;
    if (!checking.report)
        return EXIT_FAILED;
    report_settings(checking.report, invocation, NEEDS_RECEIVER);
    report_secret_files(checking.report, invocation);
    check_files(&checking);
    if (!config_problem(invocation->config, NEEDS_RECEIVER, &ignored))
        check_network(&checking);
    return report_finish(checking.report, command_has_flag(invocation, "--json"));
}
