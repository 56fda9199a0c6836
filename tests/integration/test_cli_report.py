"""``sluicegate report``, on what a worker would have written: numbers by hand."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from app.report import history
from tests.integration.command_line import CommandLine
from tests.support.driver import DAY, QUIET, SECOND, Driver, funded

EVIL = "<script>alert(1)</script>"


def lived() -> Driver:
    """
    Return a wallet of 10000 with two bots of 1000 in farm f, after three days.

    `a` earns 100, loses 55 and has 500 more; `b` earns 10. The benchmark goes 100, 110, 99.
    """
    rules = {"performance": {"benchmark": "BTC/USDT"}, "breakers": {"agent_drawdown": None}, "conflation": 0}
    driver = funded(rules, a="1000", b="1000")
    driver.command("agent_configure", agent="b", strategy=EVIL)
    driver.fill("a", "buy", "1", "100", fee={"currency": "USDT", "cost": "0"})
    driver.fill("b", "buy", "1", "5", symbol="ETH/USDT")
    driver.after(SECOND).fill("a", "sell", "1", "200", realized_pnl="100")
    driver.balance("a", prices={"BTC/USDT": "110"})
    driver.after(DAY).fill("a", "buy", "1", "99")
    driver.after(SECOND).fill("a", "sell", "1", "44", symbol="BTC/USDT")
    driver.balance("a", prices={"BTC/USDT": "99"})
    driver.fill("b", "sell", "1", "15", symbol="ETH/USDT")
    driver.after(SECOND).command("allocate", agent="a", amount="500")
    driver.command("emergency_stop", scope={"type": "agent", "id": "b"}, reason=EVIL, by="o")
    driver.after(DAY).tick()
    driver.command("rebalance")
    driver.after(SECOND).tick()
    return driver


def stored(driver: Driver, sluicegate: CommandLine) -> CommandLine:
    """Put what a worker would have written onto the server."""
    sluicegate.created()
    keys = sluicegate.keys()
    for kind, fields in driver.state.items():
        if fields:
            sluicegate.redis.hset(keys.state(kind), mapping=fields)
    for stream, event in driver.outputs:
        sluicegate.redis.xadd(keys.output(stream), {"event": event})
    return sluicegate


@pytest.fixture
def filled(sluicegate: CommandLine) -> CommandLine:
    """Give a server with a fleet on it."""
    return stored(lived(), sluicegate)


def test_the_three_figures_stand_apart(filled: CommandLine) -> None:
    """Of the bot: 1000 and 500 allocated, 45 earned; of the wallet: 10000 put in, 55 earned."""
    agent, wallet = (filled.json("report", name)["figures"] for name in ("w/a", "w"))

    assert (agent["equity"], agent["trading_pnl"], agent["net_flows"]) == ("1545", "45", "1500")
    assert (wallet["equity"], wallet["trading_pnl"], wallet["net_flows"]) == ("10055", "55", "10000")
    budgets = [json.loads(filled.redis.hget(filled.keys().state("agents"), f"w/{a}"))["budget"] for a in "ab"]
    assert float(wallet["budget"]) == sum(map(float, budgets))


def test_metrics_are_those_of_the_events(filled: CommandLine) -> None:
    """A report of a farm and its last performance update are one computation."""
    entries = filled.redis.xrange(filled.keys().output("wallet"))
    events = [json.loads(fields["event"]) for _, fields in entries]
    last = [event["data"] for event in events if "farm_performance_update" in event["type"]][-1]

    report = filled.json("report", "w/f")

    assert report["metrics"].pop("correlation_within_farm") == pytest.approx(-1)  # of its agents, both
    for member in ("metrics", "without_value", "rolling", "benchmark"):
        assert report[member] == last[member]
    assert report["bins"]["returns"] == [pytest.approx(0.05), pytest.approx(-45 / 2100)]
    assert report["bins"]["benchmark"] == [pytest.approx(0.1), pytest.approx(-0.1)]


def test_where_no_bin_has_closed_there_is_none_of_the_benchmark_either(sluicegate: CommandLine) -> None:
    """The bins are those of the subject; the benchmark's are over the same."""
    driver = lived()
    driver.command("agent_register", agent="new", farm="f")

    report = stored(driver, sluicegate).json("report", "w/new")

    assert (report["bins"]["returns"], report["bins"]["benchmark"]) == ([], [])


def test_an_agent_is_measured_among_others(filled: CommandLine) -> None:
    """`a` made 10 % and -5 %, `b` nothing and 1 %: they go against each other."""
    found = filled.json("report", "w/a")

    assert found["metrics"]["correlation_within_farm"] == pytest.approx(-1)
    assert found["metrics"]["total_return"] == pytest.approx(0.045)
    assert found["benchmark"]["metrics"]["beta"] == pytest.approx(0.75)
    assert "deflated_sharpe" in found["metrics"]
    assert found["members"] == []


def test_history_is_what_the_streams_tell(filled: CommandLine) -> None:
    """Equity over time, weights of the plan, moves of money, stops; and since when there is any."""
    wallet, agent = filled.json("report", "w")["history"], filled.json("report", "w/a")["history"]

    assert wallet["points"][-1][1]["equity"] == "10055"
    assert [point["equity"] for _, point in agent["points"]][-1] == "1545"
    assert wallet["since"]["wallet"] == lived().wallet["created"]
    ((_, weights),) = wallet["weights"]["agent"]
    assert set(weights) == {"a", "b"}
    assert weights["a"] == 0.4  # the most that one may have
    assert wallet["flows"]["fund_collection (emergency)"] == {"count": 1, "given": "0", "taken": "1010"}
    assert [one["event"] for one in wallet["stops"]] == ["emergency_stop"]
    assert agent["stops"] == []
    assert {one["subject"] for one in agent["moves"]} == {"a"}


def test_money_that_is_only_to_move_is_told_but_not_counted(sluicegate: CommandLine) -> None:
    """Allocations that wait for their bot: 500 pending, then given; 300 pending, then not."""
    driver = funded({"rebalance": QUIET["rebalance"] | {"acknowledge": "10m"}}, a="0")
    driver.command("allocate", agent="a", amount="500")
    driver.after(SECOND).balance("a", total={"USDT": "500"})
    driver.command("allocate", agent="a", amount="300")
    driver.after(DAY).tick()

    found = stored(driver, sluicegate).json("report", "w/a")["history"]

    assert {name: flow["given"] for name, flow in found["flows"].items()} == {
        "fund_allocation (allocate)": "500"
    }
    told = [one["detail"] for one in reversed(found["moves"])]
    assert told[:2] == ["+500.00, allocate, pending", "+500.00, allocate"]
    assert told[2:] == ["+300.00, allocate, pending", "+300.00, allocate, voided"]


def test_pages_of_any_length_give_the_same(filled: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams are read in pages."""
    before = filled.json("report")
    monkeypatch.setattr(history, "_PAGES", dict.fromkeys(history._PAGES, 3))

    assert filled.json("report") == before


def test_entries_that_are_no_events_are_passed_over(filled: CommandLine) -> None:
    """Somebody else may have written to the stream; and other wallets' events are not this one's."""
    before = filled.json("report")
    filled.redis.xadd(filled.keys().output("wallet"), {"event": "nonsense"})
    filled.redis.xadd(filled.keys().output("wallet"), {"other": "x"})
    other = '{"source":"/sluicegate/v","type":"x","time":"1999-01-01T00:00:00.000Z","data":{}}'
    filled.redis.xadd(filled.keys().output("wallet"), {"event": other})

    assert filled.json("report") == before


def test_trimmed_streams_are_said_to_be(filled: CommandLine) -> None:
    """From when on data are there is told."""
    assert "Events, since: equity 2026-01-05 00:00 UTC, plans 2026-01-07 00:00" in filled("report").stdout
    assert "trimmed" not in filled("report").stdout
    for stream in ("wallet", "allocation", "rebalance", "emergency"):
        filled.redis.xtrim(filled.keys().output(stream), maxlen=3)

    assert " (older are trimmed)." in filled("report").stdout


def test_the_table(filled: CommandLine) -> None:
    """Figures, metrics with their reasons, windows, and who is under it."""
    lines = [" ".join(line.split()) for line in filled("report", "w/f").stdout.splitlines()]

    assert lines[0] == "farm w/f at 2026-01-07 00:00 UTC"
    assert any(line.startswith("profit from trading 55.00 realised 55.00") for line in lines)
    assert "beside BTC/USDT" in " ".join(lines)
    assert "7 bins" + " too_few_samples" * 5 in lines
    assert any(line.startswith("a 1,5") and "4.50%" in line for line in lines)


def test_the_page_is_whole_and_escapes_what_came_from_outside(filled: CommandLine, tmp_path: Path) -> None:
    """One file without scripts and without anything fetched; every plot is well-formed."""
    file = tmp_path / "r.html"

    result = filled("report", "w/b", "--html", file)

    assert result.exit_code == 0, result.output
    text = file.read_text()
    assert f"Written to {file}" in result.stdout
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "http://" not in text
    assert "https://" not in text
    for figure in text.split("<figure>")[1:]:
        ET.fromstring(f"<figure>{figure.partition('</figure>')[0]}</figure>")  # noqa: S314  # our own
    assert "$" not in text.partition("<body>")[2]


@pytest.mark.parametrize("name", ["w", "w/f", "w/a"])
def test_every_kind_has_its_plots(filled: CommandLine, tmp_path: Path, name: str) -> None:
    """Equity, profit, drawdown, growth beside the benchmark, returns, weights; and who contributed."""
    filled("report", name, "--html", tmp_path / "r.html")

    text = (tmp_path / "r.html").read_text()
    captions = [part.partition("</figcaption>")[0] for part in text.split("<figcaption>")[1:]]
    assert captions[:5] == [
        "Equity",
        "Profit from trading: realised and unrealised, less fees",
        "Drawdown",
        "Growth of 1, net of money moved",
        "Return per bin of 1 day",
    ]
    assert "Planned weights in the investable capital, by agent" in captions
    assert ("Profit from trading, by agent" in captions) is (name != "w/a")
    assert ("Planned weights in the investable capital, by farm" in captions) is (name == "w")


def test_a_wallet_in_which_nothing_happened(sluicegate: CommandLine, tmp_path: Path) -> None:
    """No bin, no event but its own: reasons, and a page all the same."""
    driver = Driver()
    driver.command("wallet_create", currency="USDT")
    stored(driver, sluicegate)

    report = sluicegate.json("report")

    assert report["without_value"]["total_return"] == "too_few_samples"
    assert sluicegate("report", "--html", tmp_path / "r.html").exit_code == 0
    assert "no bin of 1 day has closed yet" in (tmp_path / "r.html").read_text()


def twins(sluicegate: CommandLine) -> CommandLine:
    """Store a farm and an agent with one id, in a wallet beside another."""
    driver = funded(a="1000")
    driver.command("farm_create", farm="a")
    other = funded(a="1000")
    stored(driver, sluicegate)
    for kind, fields in other.state.items():
        changed = {
            field.replace("w", "v", 1): value.replace(b'"wallet":"w"', b'"wallet":"v"').replace(
                b'"id":"w"', b'"id":"v"'
            )
            for field, value in fields.items()
            if kind in ("wallets", "farms", "agents")
        }
        if changed:
            sluicegate.redis.hset(sluicegate.keys().state(kind), mapping=changed)
    return sluicegate


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "There are several wallets: name one of v, w."),
        (("w/a",), "w/a is a farm and an agent: write w/farm/a or w/agent/a."),
        (("w/x",), "Wallet w has neither a farm nor an agent x; sluicegate status w names all."),
        (("w/goal/x",), "There is no w/goal/x: behind w/ comes farm or agent, then a slash and its id."),
        (("a",), "There is no wallet a; v/a or w/a is one of a wallet: write it so."),
        (("x",), "There is no wallet x; there are v, w."),
    ],
)
def test_a_name_that_is_not_one_thing_says_what_to_write(
    sluicegate: CommandLine, words: tuple[str, ...], sentence: str
) -> None:
    """One sentence, and no guess."""
    assert twins(sluicegate).refused("report", *words) == sentence


def test_a_farm_and_an_agent_of_one_id_are_told_apart(sluicegate: CommandLine) -> None:
    """By their kind."""
    found = twins(sluicegate)

    assert [found.json("report", f"w/{kind}/a")["kind"] for kind in ("farm", "agent")] == ["farm", "agent"]


def test_without_wallets_it_says_how_to_go_on(sluicegate: CommandLine) -> None:
    """As status does."""
    sluicegate.created()

    assert sluicegate.refused("report").startswith("There are no wallets yet")


def test_a_file_that_cannot_be_written(filled: CommandLine, tmp_path: Path) -> None:
    """One line."""
    assert filled.refused("report", "--html", tmp_path / "no" / "r.html").startswith("Cannot write ")
