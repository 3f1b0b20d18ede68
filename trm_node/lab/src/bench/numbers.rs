//! How numbers are written in summaries and reports.

/// A number with three significant digits.
pub fn short(value: f64) -> String {
    match value.abs() {
        _ if !value.is_finite() => "-".to_owned(),
        0.0 => "0".to_owned(),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        size if size >= 0.001 => format!("{value:.3}"),
        _ => format!("{value:.1e}"),
    }
}

/// Microseconds as milliseconds.
pub fn ms(us: f64) -> String {
    short(us / 1e3)
}

/// A share in per cent. It says 100 % and 0 % only where that is exact.
pub fn percent(share: f64) -> String {
    let text = format!("{:.2}", share * 100.0);
    match text.as_str() {
        "100.00" if share < 1.0 => "> 99.99 %".to_owned(),
        "0.00" if share > 0.0 => "< 0.01 %".to_owned(),
        "100.00" => "100 %".to_owned(),
        "0.00" => "0 %".to_owned(),
        _ => text + " %",
    }
}

/// A value, or a dash if there is none.
pub fn or_dash<T>(value: Option<T>, write: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| "-".to_owned(), write)
}

/// A count with spaces between thousands.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let spaced = digits
        .bytes()
        .rev()
        .collect::<Vec<_>>()
        .chunks(3)
        .map(|three| three.iter().map(|digit| *digit as char).collect())
        .collect::<Vec<String>>()
        .join(" ");
    spaced.chars().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_shares_honest() {
        assert_eq!([1234.5, 12.345, 1.2345, 0.12345, 0.0].map(short), ["1234", "12.3", "1.23", "0.123", "0"]);
        assert_eq!(
            [1.0, 0.999_999, 0.5, 0.000_001, 0.0].map(percent),
            ["100 %", "> 99.99 %", "50.00 %", "< 0.01 %", "0 %"]
        );
        assert_eq!([7, 1000, 60_000, 1_234_567].map(count), ["7", "1 000", "60 000", "1 234 567"]);
    }
}
