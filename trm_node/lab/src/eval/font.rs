//! A tiny font for plots: capitals, digits and a few signs, 3 × 5 pixels each.

/// Width and height of a character, without the gap to the next.
pub const SIZE: (u32, u32) = (3, 5);

/// Whether the pixel of a character is set; small letters are drawn as capitals, unknown ones as nothing.
pub const fn is_set(character: char, x: u32, y: u32) -> bool {
    // A digit is a row from the top, a bit a pixel from the left.
    let rows = match character.to_ascii_uppercase() {
        '0' => 0o75557,
        '1' => 0o26227,
        '2' => 0o71747,
        '3' => 0o71717,
        '4' => 0o55711,
        '5' => 0o74717,
        '6' => 0o74757,
        '7' => 0o71111,
        '8' => 0o75757,
        '9' => 0o75717,
        'A' => 0o25755,
        'B' => 0o65656,
        'C' => 0o34443,
        'D' => 0o65556,
        'E' => 0o74647,
        'F' => 0o74644,
        'G' => 0o34553,
        'H' => 0o55755,
        'I' => 0o72227,
        'J' => 0o11152,
        'K' => 0o55655,
        'L' => 0o44447,
        'M' => 0o57755,
        'N' => 0o65555,
        'O' => 0o25552,
        'P' => 0o65644,
        'Q' => 0o25573,
        'R' => 0o65655,
        'S' => 0o34216,
        'T' => 0o72222,
        'U' => 0o55557,
        'V' => 0o55552,
        'W' => 0o55775,
        'X' => 0o55255,
        'Y' => 0o55222,
        'Z' => 0o71247,
        '.' => 0o00002,
        ',' => 0o00024,
        ':' => 0o02020,
        '*' => 0o05250,
        '%' => 0o51245,
        '-' | '–' => 0o00700,
        '_' => 0o00007,
        '(' => 0o24442,
        ')' => 0o21112,
        _ => 0,
    };
    rows >> (3 * (SIZE.1 - 1 - y) + SIZE.0 - 1 - x) & 1 == 1
}
