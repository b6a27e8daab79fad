"""What the analysts say about lyrics that somebody pastes."""
