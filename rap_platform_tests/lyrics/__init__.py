"""Songs come in and become tracks."""
