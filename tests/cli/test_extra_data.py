from pathlib import Path

from tests.cli.command import SMALL, audiomnist, parts, succeeds, weights
from tests.cli.conftest import Trained
from tests.conftest import MakeCorpus


def test_a_further_corpus_is_trained_on_and_never_tested(
    trained: Trained, make_corpus: MakeCorpus, tmp_path: Path
) -> None:
    extra = make_corpus(tmp_path / "extra", layout="audiomnist", speakers=2, repetitions=1, seed=1)
    words = ("train", "--data", trained.corpus, *SMALL, "--set", "optim.epochs=2", "--extra-data", extra)
    result = succeeds(*words, "--run", tmp_path / "run", "--json").json
    assert result["n_train"] == trained.document["n_train"] + 20
    before, after = parts(trained.run), parts(tmp_path / "run")
    assert after["test"] == before["test"]
    assert after["train"][: len(before["train"])] == before["train"]
    assert all(path.startswith(str(extra)) for path in after["train"][len(before["train"]) :])
    assert weights(trained.run) != weights(tmp_path / "run")
    again = succeeds("evaluate", tmp_path / "run", "--json").json
    assert (again["accuracy"], again["n_test"]) == (result["accuracy"], result["n_test"])


def test_every_fold_is_trained_with_it(small_corpus: Path, make_corpus: MakeCorpus, tmp_path: Path) -> None:
    extra = make_corpus(tmp_path / "extra", speakers=1, repetitions=1, seed=1)
    words = ("kfold", "--data", small_corpus, "--extra-data", extra, *SMALL, "--group", "speaker", "--folds", "3")
    result = succeeds(*words, "--run", tmp_path / "run", "--json").json
    assert [fold["n_test"] for fold in result["folds"]] == [40, 40, 40]
    assert {len(parts(tmp_path / "run" / f"fold-{fold}")["train"]) for fold in range(3)} == {90}


def test_clips_of_further_classes_are_left_out(make_corpus: MakeCorpus, tmp_path: Path) -> None:
    places = []
    for seed, kinds in enumerate(("ab", "bcc")):
        files = sorted(make_corpus(tmp_path / str(seed), speakers=3, repetitions=4, seed=seed).rglob("*.wav"))
        rows = [
            f"{file},{file.name[0]},{file.name.split('_')[1]},{kinds[n % len(kinds)]}" for n, file in enumerate(files)
        ]
        places.append(tmp_path / f"{seed}.csv")
        places[-1].write_text("\n".join(["path,digit,speaker,kind", *rows]))
    words = ("train", "--data", places[0], "--extra-data", places[1], "--target", "kind", *SMALL)
    outcome = succeeds(*words, "--run", tmp_path / "run")
    assert "left out 80 clips whose kind is unknown, or not a class of the network" in outcome.stderr
    assert len([path for path in parts(tmp_path / "run")["train"] if str(tmp_path / "1") in path]) == 40


def test_further_speakers_are_none_to_recognise(small_corpus: Path, tmp_path: Path) -> None:
    words = ("train", "--data", small_corpus, "--extra-data", small_corpus, *SMALL, "--run", tmp_path / "run")
    outcome = audiomnist(*words, "--target", "speaker")
    assert outcome.exit_code == 4
    assert "other speakers than those to recognise" in outcome.stderr


def test_an_own_voice_in_the_further_corpus_is_told_apart(small_corpus: Path, tmp_path: Path) -> None:
    words = ("train", "--data", small_corpus, "--extra-data", small_corpus, *SMALL, "--run", tmp_path / "run")
    outcome = audiomnist(*words)
    assert outcome.exit_code == 3
    assert "is in two corpora" in outcome.stderr


def test_several_corpora_are_counted_and_what_one_lacks_is_told(
    small_corpus: Path, make_corpus: MakeCorpus, tmp_path: Path
) -> None:
    full = make_corpus(tmp_path / "full", speakers=2, repetitions=1, seed=1)
    poor = make_corpus(tmp_path / "poor", speakers=1, repetitions=1, seed=2)
    for file in poor.rglob("[67]_*"):
        file.unlink()
    words = ("train", "--data", small_corpus, "--extra-data", full, "--extra-data", poor, *SMALL)
    outcome = succeeds(*words, "--run", tmp_path / "run", "--json")
    corpora = outcome.json["corpora"]
    assert [(corpus["name"], corpus["clips"], corpus["speakers"]) for corpus in corpora[1:]] == [
        ("full", 20, 2),
        ("poor", 8, 1),
    ]
    assert [corpus["lacks"] for corpus in corpora] == [[], [], ["6", "7"]]
    assert outcome.json["n_train"] == sum(corpus["clips"] for corpus in corpora)


def test_a_further_corpus_keeps_its_test_part_out(small_corpus: Path, make_corpus: MakeCorpus, tmp_path: Path) -> None:
    extra = make_corpus(tmp_path / "extra", speakers=1, repetitions=2, seed=1)
    lines = ["path,digit,speaker,split"]
    for file in sorted(extra.rglob("*.wav")):
        part = "test" if file.stem.endswith("_1") else "train"
        lines.append(f"{file.relative_to(tmp_path)},{file.name[0]},ann,{part}")
    manifest = tmp_path / "extra.csv"
    manifest.write_text("\n".join(lines))
    words = ("train", "--data", small_corpus, "--extra-data", manifest, *SMALL, "--run", tmp_path / "run", "--json")
    assert [corpus["clips"] for corpus in succeeds(*words).json["corpora"][1:]] == [10]
