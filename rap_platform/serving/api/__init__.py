"""The HTTP API: one folder per resource with router, service and schemas; the SQL is in serving/queries.py."""
