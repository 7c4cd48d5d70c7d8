import pytest
import torch

from audiomnist import distributed
from tests.cli.command import audiomnist, refused, succeeds


@pytest.mark.parametrize("n_processes", [1, 2, 3, 7])
@pytest.mark.parametrize("n_items", [0, 1, 5, 16, 100])
def test_shares_differ_by_one_at_most(monkeypatch: pytest.MonkeyPatch, n_processes: int, n_items: int) -> None:
    items, shares = list(range(n_items)), []
    monkeypatch.setattr(distributed, "_size", n_processes)
    for rank in range(n_processes):
        monkeypatch.setattr(distributed, "_rank", rank)
        shares.append(items[distributed.share(n_items)])
    assert [item for share in shares for item in share] == items
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_one_process_has_everything_to_itself() -> None:
    network, values = torch.nn.Linear(2, 2), torch.ones(3)
    assert (distributed.rank(), distributed.size(), distributed.prints()) == (0, 1, True)
    assert distributed.by_first(lambda: 5) == 5
    assert distributed.gathered("mine") == ["mine"]
    assert distributed.summed(values) is values
    assert distributed.stacked(values).shape == (1, 3)
    assert distributed.parallel(network) is network
    distributed.leave()
    assert distributed.may_report()


def test_a_fault_of_ours_is_no_lost_connection() -> None:
    with pytest.raises(RuntimeError, match="ours"), distributed.lost_connections_reported():
        raise RuntimeError("a fault of ours")


CLUSTER = {"WORLD_SIZE": "2", "RANK": "1", "MASTER_ADDR": "192.0.2.1", "MASTER_PORT": "29500"}


@pytest.mark.parametrize(
    "variables", [{"WORLD_SIZE": "abc"}, {"WORLD_SIZE": "2"}, CLUSTER], ids=["no number", "no rank", "cluster"]
)
def test_a_clusters_variables_are_no_job(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert succeeds("runs").exit_code == 0
    assert "no such option" in audiomnist("train", "--nonsense").stderr.lower()
    assert distributed.size() == 1


@pytest.mark.parametrize("words", [["--help"], ["train", "--help"], ["--version"]])
def test_help_joins_no_job(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    for name, value in {**CLUSTER, "TORCHELASTIC_RUN_ID": "none"}.items():
        monkeypatch.setenv(name, value)
    assert succeeds(*words).stdout
    assert distributed.size() == 1


@pytest.mark.parametrize("variables", [{"WORLD_SIZE": "abc"}, {"WORLD_SIZE": "2"}])
def test_a_job_with_broken_variables_is_refused(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in {**variables, "TORCHELASTIC_RUN_ID": "none"}.items():
        monkeypatch.setenv(name, value)
    assert "did not find each other" in refused(2, "train").error
