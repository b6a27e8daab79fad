"""How a track sounds: nine audio features under a frozen scaler, as vectors."""
