"""How good every predictor is, and which model is champion and why: read from PostgreSQL, whether MLflow is there or not."""
