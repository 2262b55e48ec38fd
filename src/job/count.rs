//! Numbers of things, in words.

use std::fmt::Display;

/// `1 job`, `2 jobs`, `0 jobs`: for nouns whose plural ends in `s`.
pub fn counted<N: Display + PartialEq + From<u8>>(n: N, noun: &str) -> String {
    let s = if n == N::from(1) { "" } else { "s" };
    format!("{n} {noun}{s}")
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_is_one() {
        assert_eq!(
            [counted(0_u32, "job"), counted(1_usize, "job"), counted(2_u64, "access point")],
            ["0 jobs", "1 job", "2 access points"]
        );
    }
}
