"""Phrasing: what a provider may say, and what stands where it fails."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from sql.explanations import Finding, Phraser, PhrasingFailedError, phraser
from tests.numbers.conftest import Garage

SPRING, SUMMER = 95, date(2026, 6, 30)
SENTENCE = (
    "V has got 27.0 mpg since 1 April 2026 (1,080 miles on 40.0 gallons): 10 % less than the 30.0 mpg expected of it."
)
FINDING = Finding("id", None, "ECONOMY_FALLING", date(2026, 4, 1), date(2026, 7, 1), {"mpg": 27.0}, SENTENCE)


class Provider:
    """Says what a function says, and keeps what it was asked."""

    def __init__(self, say: Callable[[Finding], Any] = lambda _: "Only 27.0 mpg.", name: str = "kind-1") -> None:
        self.name = name
        self.asked: list[Finding] = []
        self._say = say

    def phrase(self, finding: Finding) -> Any:
        """The text of a finding."""
        self.asked.append(finding)
        return self._say(finding)

    @property
    def patient(self) -> Phraser:
        """Asked without hurry."""
        return Phraser(self, seconds=60)


def fail(_: Finding) -> str:
    """What a provider does that is away."""
    raise OSError("no route to the model")


def garble(finding: Finding) -> str:
    """A provider that changes what it is given, in vain."""
    finding.figures.clear()  # type: ignore[attr-defined]
    return "Only 27.0 mpg."


def thirsty(garage: Garage) -> None:
    """A vehicle with a decline, and nothing else."""
    garage.drive(garage.vehicle(baseline=30), begin=True, at=SPRING, odometer=1000, spans=4, miles=270)


def kept(garage: Garage) -> list[tuple[Any, ...]]:
    """Text, version and miles per gallon of what holds."""
    return garage.connection.execute(
        "select text, model_version, (figures ->> 'mpg')::float8 from explanations where closed_at is null order by id"
    ).fetchall()


@pytest.mark.database
def test_without_a_provider_the_rule_speaks(garage: Garage):
    """With the version of the rule."""
    thirsty(garage)
    garage.explain(SUMMER)
    assert kept(garage) == [(SENTENCE, "economy-1", 27.0)]


@pytest.mark.database
@pytest.mark.parametrize("say", [lambda _: " Only\n27.0  mpg. ", garble])
def test_a_provider_is_asked_once_for_the_same_figures(garage: Garage, say: Callable[[Finding], str]):
    """Its text stands, with both versions; the figures are the rule's. Another version of it is asked anew."""
    thirsty(garage)
    provider = Provider(say)
    assert garage.explain(SUMMER, phraser=provider.patient).phrased == 1
    assert kept(garage) == [("Only 27.0 mpg.", "economy-1 + kind-1", 27.0)]
    done = garage.explain(SUMMER, phraser=provider.patient)
    assert (done.written, done.closed, done.phrased) == (0, 0, 0)
    assert [(one.kind, one.sentence) for one in provider.asked] == [("ECONOMY_FALLING", SENTENCE)]
    assert garage.explain(SUMMER).written == 0, "without the provider its text stays until the figures change"
    later = Provider(lambda finding: finding.sentence.upper(), name="kind-2")
    assert garage.explain(SUMMER, phraser=later.patient).phrased == 1
    assert kept(garage) == [(SENTENCE.upper(), "economy-1 + kind-2", 27.0)]


@pytest.mark.database
def test_other_figures_are_phrased_anew(garage: Garage):
    """And first of all told in the rule's words."""
    thirsty(garage)
    garage.explain(SUMMER, phraser=Provider().patient)
    garage.connection.execute("update vehicles set baseline_fuel_mpg = 36")
    provider = Provider(lambda _: "It was 36.0.")
    assert garage.explain(SUMMER, phraser=provider.patient).written == 1
    assert kept(garage) == [("It was 36.0.", "economy-1 + kind-1", 27.0)]


@pytest.mark.database
def test_a_provider_that_keeps_the_sentence_has_been_asked(garage: Garage):
    """It is not asked again."""
    thirsty(garage)
    provider = Provider(lambda _: None)
    for _ in range(2):
        garage.explain(SUMMER, phraser=provider.patient)
    assert kept(garage) == [(SENTENCE, "economy-1 + kind-1", 27.0)]
    assert len(provider.asked) == 1


@pytest.mark.database
def test_a_provider_that_fails_leaves_the_rules_sentences(garage: Garage):
    """It is asked three times in a run, and again in the next one; then all is told by it."""
    for _ in range(5):
        thirsty(garage)
    provider = Provider(fail)
    assert garage.explain(SUMMER, phraser=provider.patient).phrased == 0
    assert kept(garage) == [(SENTENCE, "economy-1", 27.0)] * 5
    assert len(provider.asked) == 3
    assert garage.explain(SUMMER, phraser=Provider().patient).phrased == 5


@pytest.mark.database
def test_a_run_asks_for_some_and_leaves_the_rest_to_the_next(garage: Garage, monkeypatch: pytest.MonkeyPatch):
    """The tenant is due again then."""
    for _ in range(3):
        thirsty(garage)
    monkeypatch.setattr("sql.explanations.PHRASED_AT_ONCE", 2)
    due = "select count(*) from explanations_due"
    assert garage.explain(SUMMER, phraser=Provider().patient).phrased == 2
    assert garage.connection.execute(due).fetchone() == (1,)
    assert garage.explain(SUMMER, phraser=Provider().patient).phrased == 1
    assert garage.connection.execute(due).fetchone() == (0,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "x" * 1001,
        "a\x00b",
        "\N{RIGHT-TO-LEFT OVERRIDE}mpg",
        27,
        b"x",
        "It got 28.0 mpg.",
        "10.5 % less",
        "2 in 3",
    ],
)
def test_a_text_that_may_not_be_shown_leaves_the_sentence(text: Any):
    """Empty, long, not to be printed, no text, or with a number that the rule does not say."""
    assert Provider(lambda _: text).patient.text(FINDING) == SENTENCE


@pytest.mark.parametrize(
    "text", ["x" * 1000, "27.0 mpg, down 10 % since April.", "Hier 27.0 statt 30.0 \u2013 schade.", SENTENCE]
)
def test_a_text_that_may_be_shown(text: str):
    """In any words and any language."""
    assert Provider(lambda _: text).patient.text(FINDING) == text


def test_nobody_waits_for_a_provider_that_hangs():
    """Nor asks it again while it does."""
    let_go = threading.Event()
    provider = Provider(lambda _: str(let_go.wait()))
    hurried = Phraser(provider, seconds=0.05)
    try:
        for said in ("no answer within", "still has an earlier question"):
            with pytest.raises(PhrasingFailedError, match=said):
                hurried.text(FINDING)
        assert len(provider.asked) == 1
    finally:
        let_go.set()


OBJECT = Provider(name="object-1")
NAMELESS = Provider(name="")


@pytest.mark.parametrize(("attribute", "name"), [("OBJECT", "object-1"), ("Provider", "kind-1")])
def test_a_provider_is_named_by_module_and_attribute(attribute: str, name: str):
    """An object, or a class or function that makes one."""
    assert phraser(f"{__name__}:{attribute}", seconds=1).name == name


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("nowhere:provider", "is not there: ModuleNotFoundError"),
        ("json:nothing", "is not there: AttributeError"),
        ("json:JSONDecoder", "has no name and phrase"),
        (f"{__name__}:NAMELESS", "has a name other than"),
    ],
)
def test_what_is_no_provider(reference: str, said: str):
    """Said with the reference."""
    with pytest.raises(ValueError, match=said):
        phraser(reference, seconds=1)
