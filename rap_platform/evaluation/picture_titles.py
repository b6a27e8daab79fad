"""What the pictures of an evaluation are called, for those who show them without drawing them."""

from collections.abc import Mapping

TITLES: Mapping[str, str] = {
    "mae": "Error of every predictor",
    "predicted_against_actual": "Prediction against rating",
    "residuals": "Errors",
    "calibration": "Calibration",
    "deciles": "Error by tenth of the ratings",
    "slices": "Error by slice",
    "learning_curve": "Learning curve",
    "importance": "What matters to the model",
}
