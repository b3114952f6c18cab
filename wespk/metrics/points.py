"""Operating points: how often targets occur in an application, and what each error costs."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, log

from wespk.core.errors import WespkError

FORMS = "0.01 (p_target), 0.01,10,1 (p_target,c_miss,c_fa), 1:99 (targets:nontargets) or empirical"
EMPIRICAL = "empirical"


@dataclass(frozen=True)
class OperatingPoint:
    """An application: how often targets occur and what each error costs (NIST SRE evaluation plans).

    `is_empirical` says that the prior is the share of targets in a trial list, and names the point after it.
    Raises `WespkError` for a prior outside (0, 1) and for costs that are not positive.
    """

    p_target: float
    c_miss: float = 1.0
    c_fa: float = 1.0
    is_empirical: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.p_target < 1:
            raise WespkError(f"p_target is {self.p_target}; it must lie between 0 and 1, both excluded")
        _check_costs(self.c_miss, self.c_fa)

    @staticmethod
    def empirical(
        num_target: int, num_nontarget: int, c_miss: float = 1.0, c_fa: float = 1.0
    ) -> OperatingPoint:
        """Return the point whose prior is the share of targets among these trials, named ``empirical``."""
        return OperatingPoint(num_target / (num_target + num_nontarget), c_miss, c_fa, is_empirical=True)

    @staticmethod
    def parse(text: str) -> OperatingPoint | EmpiricalPoint:
        """Read a point as users write it: ``0.01``, ``0.01,10,1``, ``1:99`` or ``empirical``.

        The prior of ``1:99`` is 1 / 100, so it is named ``0.01``. Costs may follow each form, as in
        ``empirical,10,1``. Raises `WespkError` for anything else.
        """
        prior, *costs = (part.strip() for part in text.split(","))
        try:
            if len(costs) not in (0, 2):
                raise ValueError
            c_miss, c_fa = map(float, costs or (1, 1))
            if prior == EMPIRICAL:
                return EmpiricalPoint(c_miss, c_fa)
            target, *nontarget = map(float, prior.split(":"))
            if nontarget:
                (other,) = nontarget
                if not (isfinite(other) and isfinite(target) and target > 0 and other > 0):
                    raise ValueError
                target /= target + other
        except ValueError:
            raise WespkError(f"'{text}' is not an operating point; write {FORMS}") from None
        return OperatingPoint(target, c_miss, c_fa)

    @property
    def name(self) -> str:
        """The prior, as in ``0.01``; with the costs, as in ``0.01,10,1``, unless both are 1."""
        return _name(EMPIRICAL if self.is_empirical else f"{self.p_target:g}", self.c_miss, self.c_fa)

    @property
    def weights(self) -> tuple[float, float]:
        """Weight of p_miss and of p_fa in the normalised cost; the smaller of the two is 1."""
        miss, false_alarm = self.expected_costs
        return miss / min(miss, false_alarm), false_alarm / min(miss, false_alarm)

    @property
    def expected_costs(self) -> tuple[float, float]:
        """Cost per trial of missing all targets and of accepting all nontargets."""
        return self.c_miss * self.p_target, self.c_fa * (1 - self.p_target)

    @property
    def bayes_threshold(self) -> float:
        """The threshold of least expected cost for scores that are natural-log likelihood ratios."""
        miss, false_alarm = self.weights
        return log(false_alarm / miss)

    def of(self, num_target: int, num_nontarget: int) -> OperatingPoint:
        """Return the point for a list of so many trials: itself, its prior being known."""
        return self


@dataclass(frozen=True)
class EmpiricalPoint:
    """An operating point whose prior is the share of targets in whichever trial list it is applied to."""

    c_miss: float = 1.0
    c_fa: float = 1.0

    def __post_init__(self) -> None:
        _check_costs(self.c_miss, self.c_fa)

    @property
    def name(self) -> str:
        """``empirical``; with the costs, as in ``empirical,10,1``, unless both are 1."""
        return _name(EMPIRICAL, self.c_miss, self.c_fa)

    def of(self, num_target: int, num_nontarget: int) -> OperatingPoint:
        """Return the point for a list of so many trials, of the same name."""
        return OperatingPoint.empirical(num_target, num_nontarget, self.c_miss, self.c_fa)


def _check_costs(c_miss: float, c_fa: float) -> None:
    for name, cost in (("c_miss", c_miss), ("c_fa", c_fa)):
        if not (isfinite(cost) and cost > 0):
            raise WespkError(f"{name} is {cost}; a cost must be positive")


def _name(prior: str, c_miss: float, c_fa: float) -> str:
    return prior if c_miss == c_fa == 1 else f"{prior},{c_miss:g},{c_fa:g}"
