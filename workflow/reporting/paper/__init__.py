"""paper.pdf: the article and its sources for arXiv."""
