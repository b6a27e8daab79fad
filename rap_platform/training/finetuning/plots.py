"""Pictures of a training. Nothing is computed here but a moving mean."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

SMOOTHED = 0.05  # of all steps


def loss_curve(losses: Sequence[tuple[int, float]], title: str) -> Figure:
    """The loss of every step, and its mean over a twentieth of the steps."""
    figure = Figure(figsize=(6, 3), layout="constrained")
    axes = figure.subplots()
    steps, values = np.array(losses, dtype=float).reshape(-1, 2).T
    width = max(1, round(SMOOTHED * len(values)))
    axes.plot(steps, values, color="#c9b8ef", linewidth=1, label="step")
    if width > 1:
        mean = np.convolve(values, np.ones(width) / width, mode="valid")
        axes.plot(steps[width - 1 :], mean, color="#7a4fd6", label=f"mean of {width} steps")
    axes.set(xlabel="step", ylabel="loss of the answers (nats per token)", title=title)
    axes.legend(fontsize=8)
    return figure
