//! The known name that a misspelt one probably meant.

/// The nearest of `known` to `name`, if it is near: one slip in four letters, so that a word of three letters is never taken for
/// another. Case, spaces, `-` and `_` do not count.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = folded(name);
    known
        .into_iter()
        .map(|word| (word, folded(word)))
        .map(|(word, letters)| (slips(&name, &letters), letters.len().max(name.len()), word))
        .filter(|(slips, letters, _)| *slips <= letters / 4)
        .min_by_key(|(slips, ..)| *slips)
        .map(|(.., word)| word)
}

fn folded(text: &str) -> Vec<char> {
    let letters = text.chars().filter(|letter| !matches!(letter, ' ' | '-' | '_'));
    letters.take(64).flat_map(char::to_lowercase).collect()
}

/// Letters to insert, drop, replace, or swap with their neighbour (optimal string alignment).
fn slips(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut least = (above[j] + usize::from(x != y)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{nearest, slips};

    #[test]
    fn misspelt_names_find_home_and_others_do_not() {
        let known = ["email_address", "phone_number", "job_key", "reason", "verify", "events", "urgent", "low", "keep"];
        for (name, want) in [
            ("Email Address", Some("email_address")),
            ("emailaddres", Some("email_address")),
            ("jobkey", Some("job_key")),
            ("reasson", Some("reason")),
            ("verfy", Some("verify")),
            ("Event", Some("events")),
            ("urgnet", Some("urgent")),
            ("LOW", Some("low")),
            ("kepe", Some("keep")),
            ("now", None),
            ("lo", None),
            ("help", None),
            ("department", None),
            ("doors", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known), want, "{name}");
        }
    }

    #[test]
    fn a_slip_is_a_letter_or_a_swap() {
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        for (a, b, count) in
            [("", "abc", 3), ("kitten", "sitting", 3), ("same", "same", 0), ("ab", "ba", 1), ("abc", "ca", 3)]
        {
            assert_eq!(slips(&letters(a), &letters(b)), count, "{a} {b}");
        }
    }
}
