"""Faults by kind, and what they cost."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Count:
    """`lost`: results, or starts, that neither a plain start nor its advice brings; `wrong`: results that differ from
    the undisturbed run's; `silent`: faults after which one of both came with exit code 0, or that no message named.
    """

    faults: Counter[str] = field(default_factory=Counter)
    idle: Counter[str] = field(default_factory=Counter)  # faults that found nothing to harm
    cured: int = 0  # faults after which the pipeline stopped and named the file and a remedy, which then helped
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        return bool(self.lost or self.wrong or self.silent)

    def compare(self, expected: dict[str, bytes], found: dict[str, bytes], code: int, fault: str) -> bool:
        """Note what is missing or different after `fault`; whether nothing is."""
        lost = [name for name in expected if name not in found]
        wrong = [name for name in expected if name in found and found[name] != expected[name]]
        self.lost += [f"{name} after {fault}" for name in lost]
        self.wrong += [f"{name} after {fault}" for name in wrong]
        if code:
            self.lost.append(f"an end of the run after {fault} (exit code {code})")
        elif lost or wrong:
            self.silent.append(fault)
        return not (code or lost or wrong)

    def __str__(self) -> str:
        kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(self.faults.items()))
        idle = "".join(f"; nothing to harm: {kind} ({number})" for kind, number in sorted(self.idle.items()))
        costs = f"{len(self.lost)} lost, {len(self.wrong)} wrong, {len(self.silent)} silent"
        return f"{self.faults.total()} faults ({kinds}{idle}); {self.cured} stopped with a remedy that helped: {costs}"
