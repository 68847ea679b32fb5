"""Any images of your own with a class each: folders, lists, CSVs. docs/your_images.md says how they may lie."""

from evolve.base.progress import Report
from evolve.datasets import Listing, OwnSource, Wish
from evolve.datasets.own import image_listing


def listed(wish: Wish, report: Report) -> Listing:
    """Every file with its class and split; of some the first bytes are read, for their colours."""
    return image_listing.listed(wish)


def state(wish: Wish) -> str:
    """Another one as soon as a file comes, goes or changes."""
    return image_listing.listed(wish).state


SOURCE = OwnSource("your images", listed, state, any_size=True)
