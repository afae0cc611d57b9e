"""Text of papers: cleaning, TeX, formulas, HTML. Pure: strings in, strings out."""
