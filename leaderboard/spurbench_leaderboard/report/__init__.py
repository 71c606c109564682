"""A page a model: what a result and its predictions say, as HTML, LaTeX and CSV."""
