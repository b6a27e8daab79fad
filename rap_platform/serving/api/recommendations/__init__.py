"""Songs for somebody who names songs they like."""
