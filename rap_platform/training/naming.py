"""What the model of this stage is called, for those who look it up without loading what trains it."""

MODEL_NAME = "quality_model"
