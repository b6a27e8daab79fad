"""What people use."""
