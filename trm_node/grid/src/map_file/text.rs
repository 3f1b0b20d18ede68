//! The bytes of a YAML file as text.

use ::image::{ImageFormat, guess_format};

/// So many bytes tell an image from a YAML file.
pub const HEAD: u64 = 16;

/// Decodes UTF-8, with or without a byte order mark, and UTF-16 with one: what YAML allows, and the map server reads.
///
/// # Errors
/// Where it is something else.
pub fn decode(bytes: &[u8]) -> Result<String, String> {
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] | rest => utf8(rest),
    }
}

fn utf8(bytes: &[u8]) -> Result<String, String> {
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok(text.to_owned()),
        Err(error) => error,
    };
    let (good, bad) = bytes.split_at(error.valid_up_to());
    let lines: Vec<_> = good.split(|byte| *byte == b'\n').collect();
    let column = String::from_utf8_lossy(lines.last().unwrap_or(&good)).chars().count() + 1;
    Err(format!(
        "line {}, column {column}: the byte 0x{:02x} isn't UTF-8; is the file in Latin-1 or another encoding of one \
         byte a character?",
        lines.len(),
        bad.first().copied().unwrap_or_default()
    ))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, String> {
    let units = bytes.chunks(2).map(|pair| unit([pair[0], pair.get(1).copied().unwrap_or_default()]));
    char::decode_utf16(units).collect::<Result<_, _>>().map_err(|error| format!("not UTF-16: {error}"))
}

/// The name of an image's format, if the file begins like one: images that a map can have, and others.
pub fn image_format(head: &[u8]) -> Option<String> {
    match guess_format(head).ok()? {
        ImageFormat::Pnm => Some("PGM".to_owned()),
        other => Some(format!("{other:?}").to_uppercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_order_marks_are_left_out_and_say_the_encoding() {
        assert_eq!(decode(b"\xef\xbb\xbfimage: b\xc3\xbcro.pgm").unwrap(), "image: büro.pgm");
        assert_eq!(decode("image: büro.pgm".as_bytes()).unwrap(), "image: büro.pgm");
        assert_eq!(decode(b"\xff\xfea\0\xfc\0").unwrap(), "aü");
        assert_eq!(decode(b"\xfe\xff\0a\0\xfc").unwrap(), "aü");
        assert!(decode(b"\xff\xfe\0\xd8").unwrap_err().starts_with("not UTF-16"));
        assert_eq!(decode(b"").unwrap(), "");
    }

    #[test]
    fn another_encoding_is_named_with_the_place() {
        let error = decode(b"image: a.pgm\n# \xc3\xbc\xfc\n").unwrap_err();
        assert!(error.starts_with("line 2, column 4: the byte 0xfc isn't UTF-8; is the file in Latin-1"), "{error}");
        assert!(decode(b"\xe9").unwrap_err().starts_with("line 1, column 1: the byte 0xe9"));
    }

    #[test]
    fn an_image_is_told_from_a_map_file() {
        for (head, format) in [
            (&b"P5 2 2 255\n"[..], "PGM"),
            (b"\x89PNG\r\n\x1a\n", "PNG"),
            (b"BM\0\0", "BMP"),
            (b"\xff\xd8\xff\xe0", "JPEG"),
            (b"II*\0", "TIFF"),
        ] {
            assert_eq!(image_format(head).as_deref(), Some(format));
        }
        for head in [&b""[..], b"image: map.pgm", b"# P5", b"---\n"] {
            assert_eq!(image_format(head), None);
        }
    }
}
