"""How well the search finds what people half remember: a query set of held-out lines, measures over it, and fitted weights of the sides."""
