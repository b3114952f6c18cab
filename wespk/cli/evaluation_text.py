"""What `wespk evaluate` prints besides the systems table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.table import Table

from wespk.cli.evaluating import TrialSet
from wespk.metrics.bootstrap import FEW_SPEAKERS
from wespk.metrics.breakdown import Breakdown
from wespk.metrics.evaluation import Evaluation
from wespk.metrics.systems import SystemResult
from wespk.metrics.table import ABSENT, as_text, fixed, percent, percent_within, threshold
from wespk.metrics.worst_pairs import PairExample, WorstPairs

MOST_ROWS = 20  # of a breakdown on the screen


def measure_line(evaluation: Evaluation) -> str:
    """Return the measures of a system in a line."""
    costs = "".join(f"  minDCF({cost.point.name}) {fixed(cost.min_dcf)}" for cost in evaluation.costs)
    cllr = f"  Cllr {fixed(evaluation.cllr)} / min {fixed(evaluation.min_cllr)}"
    return f"EER {percent(evaluation.eer)} %{costs}{cllr}"


def interval_lines(data: TrialSet, draws: int, results: Sequence[SystemResult]) -> Iterator[str]:
    """Say where the intervals come from, or how to get some; `draws` were asked for."""
    if not draws:
        yield "no 95 % intervals: --draws is 0"
    elif data.speakers is None:
        yield "no 95 % intervals: nothing says who speaks; see --utt2spk"
    else:
        number = results[0].evaluation.num_speakers or 0
        models = f", models by {data.speakers.tables.enrol}" if data.speakers.tables.enrol else ""
        source = f"{data.speakers.tables.utt2spk}{models}"
        yield f"95 % intervals: bootstrap over {number} speakers of {source}, {draws} draws"
        if number < FEW_SPEAKERS:
            yield f"warning: {number} speakers: an interval from fewer than {FEW_SPEAKERS} is rough"


def kind_lines(results: Sequence[SystemResult]) -> Iterator[str]:
    """Say how each system does on each kind of nontarget trials of a text-dependent list."""
    for result in results:
        for kind in result.evaluation.kinds:
            against = f"targets against the {kind.num:,} {kind.kind} trials alone"
            yield f"{result.system}: {against}: EER {percent(kind.eer)} %"


def breakdown_lines(data: TrialSet, results: Sequence[SystemResult]) -> Iterator[str]:
    """Yield a table for each column that divides the trials, and what its table lacks."""
    for place, groups in enumerate(data.groups):
        yield ""
        yield _breakdown_table(groups.by, [(each.system, each.breakdowns[place]) for each in results])
        if any(row.eer is None for row in results[0].breakdowns[place].rows):
            yield f"{ABSENT}: no target or no nontarget trials"
        if groups.without_value:
            shown = ", ".join(groups.without_value[:3])
            yield f"{groups.by}: no value of {len(groups.without_value)} ids, counted as unknown: {shown} ..."


def detail_lines(results: Sequence[SystemResult]) -> Iterator[str]:
    """Yield all measures of each system, and its worst speaker pairs."""
    for result in results:
        found = result.evaluation
        yield f"\n{result.system} in detail"
        rules = ", ".join(f"{rule} {percent(value)}" for rule, value in found.eers.items())
        yield f"EER %: {rules}"
        errors = f"{found.misses_at_eer:,} misses and {found.false_alarms_at_eer:,} false alarms"
        yield f"at the EER: {errors}, threshold {threshold(found.eer_threshold)}"
        yield f"AUC {percent(found.auc)} %, average precision {percent(found.average_precision)} %"
        best = (("F1", found.best_f1), ("accuracy", found.best_accuracy))
        yield ", ".join(
            f"best {name} {percent(each.value)} % at {threshold(each.threshold)}" for name, each in best
        )
        for wanted, held, rates in (("FRR", "FAR", found.frr_at_far), ("FAR", "FRR", found.far_at_frr)):
            shown = (f"{percent(rate)} at {100 * float(limit):g}" for limit, rate in rates.items())
            yield f"{wanted} % at {held} %: {', '.join(shown)}"
        yield from _cost_lines(found)
        if found.at_dev:
            yield _dev_table(found)
        if result.worst:
            yield from _worst_lines(result.worst)


def _cost_lines(found: Evaluation) -> Iterator[str]:
    for cost in found.costs:
        name = cost.point.name
        best = f"minDCF({name}) {_within(found, f'min_dcf({name})', cost.min_dcf)}"
        at = (
            f"threshold {threshold(cost.threshold)}: FAR {percent(cost.p_fa)} %, FRR {percent(cost.p_miss)} %"
        )
        yield f"{best} at {at}; DCF at the Bayes threshold {fixed(cost.actual_dcf_bayes)}"
        if cost.actual_dcf_dev is not None:
            yield f"actDCF({name}) {_within(found, f'actual_dcf({name})', cost.actual_dcf_dev)}"
    yield f"Cllr {_within(found, 'cllr', found.cllr)}, min Cllr {fixed(found.min_cllr)}"


def _within(found: Evaluation, measure: str, value: float) -> str:
    bounds = found.intervals.get(measure)
    return fixed(value) if bounds is None else f"{fixed(value)} [{bounds[0]:.2f}, {bounds[1]:.2f}]"


def _breakdown_table(by: str, systems: Sequence[tuple[str, Breakdown]]) -> str:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0, title=f"by {by}", title_justify="left")
    for heading in ("system", by):
        table.add_column(heading)
    for heading in ("EER %", "minDCF", "target", "nontarget", "speakers"):
        table.add_column(heading, justify="right", no_wrap=True)
    for system, breakdown in systems:
        for place, row in enumerate(breakdown.rows[:MOST_ROWS]):
            rate = ABSENT if row.eer is None else percent(row.eer)
            if row.eer is not None and row.low is not None and row.high is not None:
                rate = percent_within(row.eer, row.low, row.high)
            cost = ABSENT if row.min_dcf is None else fixed(row.min_dcf)
            counts = (f"{row.num_target:,}", f"{row.num_nontarget:,}", str(row.num_speakers or ABSENT))
            table.add_row(system if place == 0 else "", row.value, rate, cost, *counts)
    more = len(systems[0][1].rows) - MOST_ROWS
    left_out = f"\nand {more} more values each; --results holds them" if more > 0 else ""
    return as_text(table) + left_out


def _dev_table(found: Evaluation) -> str:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    table.add_column("dev threshold")
    for heading in ("value", "FAR %", "FRR %", "accuracy %", "precision %", "recall %", "F1 %", "DCF"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in found.at_dev:
        rates = (each.far, each.frr, each.accuracy, each.precision, each.recall, each.f1)
        cost = ABSENT if each.dcf is None else fixed(each.dcf)
        table.add_row(each.name, threshold(each.threshold), *map(percent, rates), cost)
    return as_text(table)


def _worst_lines(worst: WorstPairs) -> Iterator[str]:
    source = "the development trials'" if worst.is_dev else "these trials'"
    yield f"worst speaker pairs at {source} EER threshold {threshold(worst.threshold)}"
    for pair in worst.false_alarms:
        who = f"{pair.test_speaker} taken for {pair.enrol_speaker}"
        yield f"  {who}: {_errors(pair)}, highest {_example(pair)}"
    for pair in worst.misses:
        yield f"  {pair.enrol_speaker} not recognised: {_errors(pair)}, lowest {_example(pair)}"


def _errors(pair: PairExample) -> str:
    return f"{pair.errors:,} of {pair.trials:,} trials"


def _example(pair: PairExample) -> str:
    return f"{threshold(pair.score)} ({pair.enrol_id} {pair.test_id})"
