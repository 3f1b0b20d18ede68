"""Order statistics of times, as the reports of tools/bench have them."""


def quantiles(values: list[float]) -> dict[str, float]:
    """Median, 90th and 99th percentile, the largest, and how many; nothing of none."""
    if not values:
        return {}
    ordered = sorted(values)
    at = lambda share: ordered[min(len(ordered) - 1, int(share * len(ordered)))]  # noqa: E731
    return {"p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "max": ordered[-1], "n": len(ordered)}
