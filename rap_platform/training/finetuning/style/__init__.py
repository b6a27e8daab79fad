"""Style transfer: T5 learns to say the lines of one artist as another would, from lines of both that mean the same."""
