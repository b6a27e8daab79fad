"""The embedded stack: PostgreSQL, Valkey, MLflow, Dagster, the API and the simulated world under one supervisor.

Here: launchers, supervision, orphans, ports. Not here: anything about rap, anything the stages import.
"""
