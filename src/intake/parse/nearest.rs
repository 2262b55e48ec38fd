//! The known name that a misspelt one probably meant.

/// The nearest of `known` to `name`, if at most a third of its letters differ. Case, spaces, `-` and `_` do not count.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = folded(name);
    known
        .map(|word| (distance(&name, &folded(word)), word))
        .filter(|(distance, word)| distance * 3 <= word.len().min(name.len().max(3)))
        .min_by_key(|found| found.0)
        .map(|found| found.1)
}

fn folded(text: &str) -> Vec<char> {
    let letters = text.chars().filter(|letter| !matches!(letter, ' ' | '-' | '_'));
    letters.take(64).flat_map(char::to_lowercase).collect()
}

/// Levenshtein's distance.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let swapped = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = swapped.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn misspelt_names_find_home() {
        let known = ["email_address", "phone_number", "job_key", "reason"];
        for (name, want) in [
            ("Email Address", Some("email_address")),
            ("emailaddres", Some("email_address")),
            ("jobkey", Some("job_key")),
            ("reasson", Some("reason")),
            ("department", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known.into_iter()), want, "{name}");
        }
    }
}
