"""A case: what somebody else's program makes of something, and what trm_node makes of it."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Case:
    id: str  # of the public report that it comes from, or "own"
    what: str
    expected: str
    got: str

    @property
    def is_same(self) -> bool:
        return self.expected == self.got

    def __str__(self) -> str:
        got = " ".join(self.got.split())[:200]
        verdict = "same" if self.is_same else "DIFFERENT"
        return f"{self.id:<22} {self.what:<74} {self.expected:<28} {got:<28} {verdict}"
