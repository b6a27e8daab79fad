"""What is tried again and what is not, decided in one place."""

import dagster as dg

RETRY = dg.RetryPolicy(max_retries=2, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)


class PermanentFailure(dg.Failure):
    """Trying again won't help: wrong credentials, refused input, a contract that changed."""

    def __init__(self, description: str, metadata: dict[str, dg.MetadataValue] | None = None) -> None:
        super().__init__(description=description, metadata=metadata, allow_retries=False)


class TransientFailure(dg.Failure):
    """Trying again later may help: a time-out, a limit, a server that is down."""

    def __init__(self, description: str, metadata: dict[str, dg.MetadataValue] | None = None) -> None:
        super().__init__(description=description, metadata=metadata, allow_retries=True)
