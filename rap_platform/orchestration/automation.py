"""When assets refresh by themselves. Named conditions only; every one waits for the blocking checks above it."""

import dagster as dg

C = dg.AutomationCondition


def on_new_data() -> dg.AutomationCondition:
    """As soon as something above changed, once the checks above are green and nothing of it is running."""
    return (C.eager() & C.all_deps_blocking_checks_passed()).with_label("on_new_data")


def on_any_new_partition() -> dg.AutomationCondition:
    """For one asset under many partitions: when some changed and none is still being made, missing ones do not hold it back."""
    condition = C.eager().without(~C.any_deps_missing()) & C.all_deps_blocking_checks_passed()
    return condition.with_label("on_any_new_partition")


def nightly_if_changed(cron: str = "0 3 * * *") -> dg.AutomationCondition:
    """Once a night when anything above changed since; held while a check above fails, released when it is mended.

    Unlike `on_cron` it does not wait until every partition was refreshed.
    """
    handled = C.newly_requested() | C.initial_evaluation()
    condition = (
        C.cron_tick_passed(cron).since(handled)
        & C.any_deps_updated().since(handled)
        & C.all_deps_blocking_checks_passed()
        & ~C.any_deps_in_progress()
        & ~C.in_progress()
    )
    return condition.with_label("nightly_if_changed")
