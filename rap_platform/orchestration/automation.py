"""When assets refresh by themselves. Named conditions only; every one waits for the blocking checks above it."""

import dagster as dg

C = dg.AutomationCondition


# Dagster's own "eager", and also when the code that makes the asset has another version than before.
_CHANGED: dg.AutomationCondition = C.any_deps_updated() | C.code_version_changed()


def on_new_data() -> dg.AutomationCondition:
    """As soon as something above or its own code changed, once the checks above are green and nothing of it is running."""
    eager = C.eager().replace("any_deps_updated", _CHANGED)
    condition: dg.AutomationCondition = (eager & C.all_deps_blocking_checks_passed()).with_label("on_new_data")
    return condition


def on_any_new_partition() -> dg.AutomationCondition:
    """For one asset under many partitions: when some changed and none is still being made, missing ones do not hold it back."""
    eager = C.eager().without(~C.any_deps_missing()).replace("any_deps_updated", _CHANGED)
    condition: dg.AutomationCondition = (eager & C.all_deps_blocking_checks_passed()).with_label("on_any_new_partition")
    return condition


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
