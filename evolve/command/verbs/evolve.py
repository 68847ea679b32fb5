"""`make evolve`."""

import os
from pathlib import Path

from evolve.command.arguments import Words, plain_name, whole

WHAT = "evolve a network, or go on with it"
WORDS = "NET GEN SEED SCHEDULE SET RUN WEIGHTS HALF_BLOBS FAST THREADS"


def run(words: Words) -> int:
    """Exit status 0. Raises UserError."""
    # The process that Caffe runs in reads these.
    os.environ |= {name: str(whole(words, name)) for name in ("FAST", "THREADS") if name in words}
    from evolve.figures import table
    from evolve.lineage import lineage
    from evolve.settings import changes

    folder = lineage.evolve(
        words["NET"],
        generations=whole(words, "GEN", least=1),
        seed=whole(words, "SEED") if "SEED" in words else None,
        run=plain_name(words, "RUN"),
        pretrained=Path(words["WEIGHTS"]).resolve() if "WEIGHTS" in words else None,
        half_blobs=whole(words, "HALF_BLOBS") > 0,
        schedule=words.get("SCHEDULE", ""),
        changed=changes.single(words.get("SET", "")),
    )
    table.show(folder)
    return 0
