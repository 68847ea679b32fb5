"""`make report`: a whole run on one HTML page, in one file that needs nothing else: no network, no other files."""

from evolve.figures.report.page import write

__all__ = ["write"]
