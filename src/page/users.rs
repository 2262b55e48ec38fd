//! This machine's own list of users (passwd(5)); who is known elsewhere goes by the number.

use crate::config::in_a_name;

/// A user's number, by name or as it stands.
pub(super) fn number_of(user: &str) -> Option<u32> {
    user.parse().ok().or_else(|| find(|name, _| name == user).map(|(_, uid)| uid))
}

/// The name of a user, as it may stand in the history.
pub(super) fn name_of(uid: u32) -> Option<String> {
    let name = find(|_, known| known == uid)?.0;
    Some(name.chars().filter(|letter| in_a_name(*letter)).take(64).collect::<String>()).filter(|name| !name.is_empty())
}

fn find(is: impl Fn(&str, u32) -> bool) -> Option<(String, u32)> {
    let list = std::fs::read_to_string("/etc/passwd").ok()?;
    let user = |line: &str| {
        let mut fields = line.split(':');
        Some((fields.next()?.to_owned(), fields.nth(1)?.parse().ok()?))
    };
    list.lines().filter_map(user).find(|(name, uid)| is(name, *uid))
}

#[cfg(test)]
mod tests {
    use super::{name_of, number_of};

    #[test]
    fn a_user_is_a_name_or_a_number() {
        assert_eq!((number_of("root"), number_of("1002"), number_of("nobody at all")), (Some(0), Some(1002), None));
        assert_eq!(name_of(0).as_deref(), Some("root"));
    }
}
