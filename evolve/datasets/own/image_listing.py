"""Which images there are, of which classes, in which splits: whatever of the known forms a folder has."""

from collections import Counter
from pathlib import Path

from evolve.base.errors import UserError
from evolve.base.spelling import nearest
from evolve.datasets.file_names import composed
from evolve.datasets.own import class_folders, lists
from evolve.datasets.own.class_folders import split_of
from evolve.datasets.own.lists import Row
from evolve.datasets.own.pictures import ImageFiles, Listing, channels, raise_all, shown, state_of
from evolve.datasets.own.wish import Wish

_LISTS = (".txt", ".csv", ".tsv", ".lst")
_NO_LISTS = ("readme", "license", "labels", "classes", "synset_words", "requirements")  # of .txt
WHERE = 'dataset { name: "images" folder: "/my/pictures" }'


def listed(wish: Wish) -> Listing:
    """Everything but the pixels. UserError for what is not there, or cannot be told."""
    if not wish.folder and not wish.train:
        remedy = f"write {WHERE}, or give SET=dataset.folder=/my/pictures"
        raise UserError(f"expected a folder of images or a list, got none; {remedy}")
    wish.check_paths()
    passed_over: list[str] = []
    found = _lists(wish)
    if found:
        folder = Path(wish.folder or wish.train)
        root = folder if folder.is_dir() else folder.parent
        names, splits = _of_lists(found, root)
        files = [str(file) for file in (*found, *lists.names_files(lists.beside(root, found)))]
    else:
        names, splits = _of_folders(wish, passed_over)
        files = []
    _move_validation(splits)
    every = [*files, *filter(None, [wish.mean_file]), *(file for each in splits.values() for file in each.files)]
    wanted = wish.channels or channels(splits.values())
    return Listing(names, dict(splits), (wanted, wish.height, wish.width), state_of(every), tuple(passed_over))


def _lists(wish: Wish) -> dict[Path, str]:
    """The lists, and the split that each is for ("" where a CSV's rows say it); none for folders of classes."""
    if wish.train:
        given = {Path(wish.train): "train"} | ({Path(wish.test): "test"} if wish.test else {})
        kinds = {path.is_file() for path in given}
        if len(kinds) > 1:
            got = f"{wish.train} and {wish.test}"
            raise UserError(f"expected train and test to be two lists or two folders, got {got}; name two of a kind")
        return given if True in kinds else {}
    folder = Path(wish.folder)
    if folder.is_file():
        return {folder: ""}
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in _LISTS and file.is_file())
    by_split = {file: split_of(file.stem) for file in files if split_of(file.stem)}
    if "train" in by_split.values():
        twice = [split for split, count in Counter(by_split.values()).items() if count > 1]
        if twice:
            raise UserError(f"{shown(folder)}: expected one list for {twice[0]}, got several; name train and test")
        return by_split
    files = [file for file in files if not file.stem.lower().startswith(_NO_LISTS) or file.suffix.lower() != ".txt"]
    return {} if _has_classes(folder) or len(files) != 1 else {files[0]: ""}


def _has_classes(folder: Path) -> bool:
    return len(class_folders.folders(class_folders.train_of(folder) or folder)) > 1


def _of_lists(found: dict[Path, str], root: Path) -> tuple[tuple[str, ...], dict[str, ImageFiles]]:
    read = {file: lists.rows(file) for file in found}
    names, numbers = lists.classes(list(read.items()), root)
    rows: dict[str, tuple[Path, list[Row]]] = {}
    for file, each in read.items():
        for row in each:
            rows.setdefault(found[file] or row.split or "train", (file, []))[1].append(row)
    if "train" not in rows:
        raise UserError(f"{shown(next(iter(found)))}: expected rows to train on, got none; name their split train")
    splits = {split: lists.files_of(file, each, root, numbers) for split, (file, each) in rows.items()}
    _check_classes(names, splits)
    return names, splits


def _of_folders(wish: Wish, passed_over: list[str]) -> tuple[tuple[str, ...], dict[str, ImageFiles]]:
    if wish.train:
        given = {"train": wish.train} | ({"test": wish.test} if wish.test else {})
        found = {split: class_folders.of_classes(Path(path), passed_over) for split, path in given.items()}
    else:
        found = class_folders.find(Path(wish.folder), passed_over)
    found = {split: _spelt(each, found["train"]) for split, each in found.items()}
    names = tuple(sorted({name for each in found.values() for name in each}))
    splits = {split: class_folders.files_of(each, names) for split, each in found.items()}
    _check_classes(names, splits)
    return names, splits


def _spelt(found: dict[str, list[str]], train: dict[str, list[str]]) -> dict[str, list[str]]:
    """The files of each class under its name in train, where that is composed of other signs."""
    known, result = {composed(name): name for name in train}, dict[str, list[str]]()
    for name, files in found.items():
        result.setdefault(name if name in train else known.get(composed(name), name), []).extend(files)
    return result


def _check_classes(names: tuple[str, ...], splits: dict[str, ImageFiles]) -> None:
    """UserError for classes that are tested and not trained on, all of them named."""
    train = {names[label] for label in set(splits["train"].labels.tolist())}
    problems = []
    for split, files in splits.items():
        for name in sorted({names[label] for label in set(files.labels.tolist())} - train):
            near = nearest(name, sorted(train))
            advice = f"write '{near}'" if near else "bring images of it to train on, or take these out"
            problems.append(f"expected classes of {split} to be in train too, got '{name}', which is not; {advice}")
    raise_all(problems)
    if len(train) < 2:
        raise UserError(f"expected two classes or more to train on, got '{next(iter(train))}' alone; bring others")


def _move_validation(splits: dict[str, ImageFiles]) -> None:
    """Where there is no test split, validation is what is reported: it is the test."""
    if "test" not in splits and "validation" in splits:
        splits["test"] = splits.pop("validation")
