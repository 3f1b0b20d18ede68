//! The colours of plots. The page replaces them in dark mode.

use std::fmt::Write as _;

use plotters::style::RGBColor;

/// Labels.
pub const TEXT: RGBColor = RGBColor(0x5b, 0x65, 0x70);
/// Grid and axes.
pub const GRID: RGBColor = RGBColor(0xdf, 0xe3, 0xe8);
/// Deadlines and misses.
pub const BAD: RGBColor = RGBColor(0xc6, 0x24, 0x30);

/// One for each run.
const RUNS: [RGBColor; 4] =
    [RGBColor(0x25, 0x63, 0xc9), RGBColor(0xc2, 0x69, 0x0a), RGBColor(0x12, 0x80, 0x5c), RGBColor(0x8a, 0x4f, 0xd0)];
/// The names of these colours in the style sheet.
const RUN_NAMES: [&str; RUNS.len()] = ["a", "b", "c", "d"];

/// The colour of a run.
pub const fn run_color(number: usize) -> RGBColor {
    RUNS[number % RUNS.len()]
}

/// The name of a run's colour in the style sheet.
pub const fn run_color_name(number: usize) -> &'static str {
    RUN_NAMES[number % RUN_NAMES.len()]
}

/// Rules that replace each colour of a plot by the style sheet's variable of the same name.
pub fn css_rules() -> String {
    let named = [(TEXT, "soft"), (GRID, "line"), (BAD, "bad")].into_iter().chain(RUNS.into_iter().zip(RUN_NAMES));
    let mut rules = String::new();
    for (RGBColor(red, green, blue), name) in named {
        for property in ["fill", "stroke"] {
            // The hexadecimal digits are uppercase, as plotters writes them.
            let _ = writeln!(rules, "svg [{property}=\"#{red:02X}{green:02X}{blue:02X}\"]{{{property}:var(--{name})}}");
        }
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_sheet_has_the_same_colours_in_light_mode() {
        let style = include_str!("../page.css");
        let light = style.lines().next().unwrap();
        for line in css_rules().lines() {
            let color = line.split('"').nth(1).unwrap().to_lowercase();
            let name = line.split("var(").nth(1).unwrap().trim_end_matches(")}");
            let at = light.find(&format!("{name}:")).unwrap_or_else(|| panic!("{name}"));
            let value = light[at..].split([':', ';', '}']).nth(1).unwrap();
            assert_eq!(value, color, "{name}");
        }
    }
}
