//! Bytes as the corpus writes them: text as it is, and between `⟦` and `⟧` what text cannot show.
//!
//! `⟦ff fe⟧` are bytes in hex, `⟦10000×[⟧` is a repetition, `⟦utf16:text⟧` is text in UTF-16 (little-endian, no mark), and `⟦cut⟧` at the end of
//! a line leaves out its line feed. Every other line gets one.

/// The bytes of one line of a case.
pub fn of_line(line: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = line;
    let mut ends = true;
    while let Some((before, inside)) = rest.split_once('⟦') {
        let (inside, after) = inside.split_once('⟧').unwrap_or_else(|| panic!("⟦ without ⟧: {line}"));
        out.extend_from_slice(before.as_bytes());
        match (inside.split_once('×'), inside.strip_prefix("utf16:")) {
            _ if inside == "cut" => ends = false,
            (_, Some(text)) => out.extend(text.encode_utf16().flat_map(u16::to_le_bytes)),
            (Some((count, text)), _) => out.extend(text.repeat(count.parse().unwrap()).into_bytes()),
            (None, None) => out.extend(inside.split(' ').map(|hex| u8::from_str_radix(hex, 16).unwrap())),
        }
        rest = after;
    }
    out.extend_from_slice(rest.as_bytes());
    if ends {
        out.push(b'\n');
    }
    out
}

#[test]
fn every_notation_makes_its_bytes() {
    assert_eq!(of_line("a⟦0d⟧"), b"a\r\n");
    assert_eq!(of_line("⟦ef bb bf⟧é⟦3×[]⟧⟦cut⟧"), "\u{feff}é[][][]".as_bytes());
    assert_eq!(of_line("⟦utf16:ab⟧⟦cut⟧"), b"a\0b\0");
}
