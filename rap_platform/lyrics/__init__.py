"""Songs come in from Genius and from files, and become clean tracks with sections; nothing here listens or judges."""
