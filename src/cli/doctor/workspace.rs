//! Whether Seam answers, takes the key, opens the right workspace, and has our time.

use super::{
    report::{Check, Report},
    seam::Seam,
};
use crate::{
    cli::{Exit, Failure},
    clock,
    job::{Answer, Call, Ms, Now, Outcome, Reply, Time, Workspace},
};

/// The names of these checks, in order; the database's comes before the last.
pub const NAMES: [&str; 3] = ["seam", "key", "workspace"];

/// The name of the check of the clocks.
pub const CLOCK: &str = "clock";

/// From here on a difference of the clocks is worth a word.
const SKEW_WARN_MS: Ms = 30_000;

/// From here on orders would begin at a wrong time.
const SKEW_FAIL_MS: Ms = 120_000;

/// Asks for the workspace. None: Seam cannot be asked anything more, which the report says.
pub async fn open(seam: &Seam, test_key: bool, report: &mut Report) -> Result<Option<Workspace>, Failure> {
    let [about_seam, about_key, _] = NAMES;
    let answer = seam.ask(&Call::Workspace).await;
    let unfit = |answer: &Answer| answer.status.is_some();
    let (name, found, remedy, why) = match &answer.outcome {
        Outcome::Done(Reply::Workspace(workspace)) => {
            report.tell(Check::ok(about_seam, "answers"))?;
            report.tell(key(test_key, workspace))?;
            return Ok(Some(workspace.clone()));
        }
        Outcome::Halt { reason } => {
            report.tell(Check::ok(about_seam, "answers"))?;
            let remedy = "take a key from Seam Console, Developer, API Keys; was this one revoked, or rotated?";
            (about_key, reason.clone(), remedy, "the key is refused")
        }
        Outcome::Rejected(refusal) => {
            report.tell(Check::ok(about_seam, "answers"))?;
            let found =
                format!("workspaces/get is refused ({} {}: {})", refusal.status, refusal.error_type, refusal.message);
            (about_key, found, "take an API key of a workspace, from Seam Console", "the key is refused")
        }
        Outcome::NotApplied { throttled: true, reason, .. } => {
            (about_seam, reason.clone(), "Seam asks to wait; run this again in a minute", "Seam asks to wait")
        }
        Outcome::NotApplied { reason, .. } | Outcome::Unknown { reason } => {
            let remedy = if unfit(&answer) {
                "something answers there, but not as Seam does; is `seam.endpoint` right, is a proxy in between?"
            } else {
                "is `seam.endpoint` right, and may this machine reach it (network, name resolution, firewall)?"
            };
            (about_seam, reason.clone(), remedy, "Seam does not answer")
        }
        Outcome::Done(_) | Outcome::Gone => {
            (about_seam, "the answer fits no question".to_owned(), "report this", "Seam does not answer")
        }
    };
    report.tell(Check::fail(name, found, remedy))?;
    report.stop(Exit::Refused, why);
    Ok(None)
}

fn key(test_key: bool, workspace: &Workspace) -> Check {
    let (begins, of) = if test_key { ("begins with seam_test", "sandbox") } else { ("has no `test`", "production") };
    let found = format!("accepted; an API key that {begins}, as those of {of} workspaces do");
    if test_key == workspace.is_sandbox {
        return Check::ok(NAMES[1], found);
    }
    let other = if workspace.is_sandbox { "sandbox" } else { "production" };
    Check::warn(
        NAMES[1],
        format!("{found}; but Seam says it is a {other} workspace"),
        "make sure that it is the key you mean; Backstitch goes by what Seam says of the workspace",
    )
}

/// Whether the daemon would work in this workspace; `named` is `seam.production_workspace`, and `pinned` whether a
/// database belongs to a workspace. Where nothing says which one is meant, only a person can.
pub fn judge(workspace: &Workspace, named: &str, pinned: bool) -> Check {
    let name = NAMES[2];
    let Workspace { workspace_id: id, name: title, is_sandbox, is_suspended } = workspace;
    let sort = if *is_sandbox { "sandbox" } else { "production" };
    let who = format!("\"{title}\" ({id}), {sort}");
    let named = named.trim();
    if *is_suspended {
        let remedy = "Seam puts sandboxes to rest that nobody uses for two weeks; wake it in Seam Console";
        return Check::fail(name, format!("{who}, suspended by Seam"), remedy);
    }
    match (is_sandbox, named) {
        (true, "") if pinned => Check::ok(name, who),
        (true, "") => Check::ok(name, format!("{who}; is this the one you mean?")),
        (true, named) => Check::warn(
            name,
            format!("{who}; but the settings name the production workspace {named}"),
            "give the key of the production workspace, or take `seam.production_workspace` out",
        ),
        (false, named) if named == id => Check::ok(name, format!("{who}, named in the settings")),
        (false, "") => Check::fail(
            name,
            format!("{who}, which the settings do not name: the daemon sends nothing"),
            format!("if these are the doors you mean: seam.production_workspace = \"{id}\""),
        ),
        (false, named) => Check::fail(
            name,
            format!("{who}; but the settings name another one, {named}: the daemon sends nothing"),
            "give the key of the workspace that `seam.production_workspace` names, or correct that setting",
        ),
    }
}

/// Asks once more, on a connection that is open by now, so that the way there takes as little as it can.
/// Also gives Seam's time, or ours where Seam does not tell.
pub async fn compare_clocks(seam: &Seam) -> (Check, Time) {
    let begun = clock::now();
    let answer = seam.ask(&Call::Workspace).await;
    let ended = clock::now();
    match answer.server_time {
        Some(server) => (skew(server, begun, ended), server),
        None => {
            let found = "Seam's answer has no readable `Date`, so the clocks cannot be compared";
            (Check::warn(CLOCK, found, "see to it that this machine's clock is set by NTP: `timedatectl`"), ended.wall)
        }
    }
}

/// `Date` is cut to the second, and was written at some moment between question and answer: both are allowed for.
fn skew(server: Time, begun: Now, ended: Now) -> Check {
    let trip_ms = (ended.mono_ms - begun.mono_ms).max(0);
    let ahead_ms = begun.wall.plus(trip_ms / 2).since(server.plus(500));
    let certain_ms = (ahead_ms.abs() - trip_ms / 2 - 500).max(0);
    let about = span(certain_ms);
    if certain_ms < SKEW_WARN_MS {
        let found = if certain_ms < 1_000 {
            "this machine's clock and Seam's agree to the second".to_owned()
        } else {
            format!("this machine's clock and Seam's differ by {about}")
        };
        return Check::ok(CLOCK, found);
    }
    let (side, effect) = if ahead_ms > 0 { ("ahead of", "early") } else { ("behind", "late") };
    let found = format!("this machine's clock is {about} {side} Seam's");
    let remedy = format!(
        "set the clock (`timedatectl set-ntp true`): `not_before` and `deadline` go by this machine's, so orders \
         would begin {about} too {effect}; events go by Seam's"
    );
    if certain_ms < SKEW_FAIL_MS { Check::warn(CLOCK, found, remedy) } else { Check::fail(CLOCK, found, remedy) }
}

/// `42 s`, `10 min`, `1 h 5 min`, `3 d 2 h`: the two largest units.
pub fn span(span_ms: Ms) -> String {
    let seconds = span_ms / 1_000;
    let units = [(seconds / 86_400, "d"), (seconds / 3_600 % 24, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let first = units.iter().position(|(many, _)| *many > 0).unwrap_or(units.len() - 1);
    let shown = units[first..].iter().take(2).enumerate().filter(|(n, (many, _))| *n == 0 || *many > 0);
    shown.map(|(_, (many, unit))| format!("{many} {unit}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{judge, key, skew, span};
    use crate::{
        cli::doctor::report::Mark,
        job::{Now, Time, Workspace},
    };

    fn workspace(is_sandbox: bool, is_suspended: bool) -> Workspace {
        Workspace { workspace_id: "w-1".to_owned(), name: "W".to_owned(), is_sandbox, is_suspended }
    }

    #[test]
    fn a_production_workspace_has_to_be_the_named_one() {
        for (sandbox, suspended, named, mark, words) in [
            (true, false, "", Mark::Ok, "sandbox"),
            (true, false, "w-1", Mark::Warn, "settings name the production workspace w-1"),
            (true, true, "", Mark::Fail, "suspended"),
            (false, false, " w-1 ", Mark::Ok, "production, named"),
            (false, false, "", Mark::Fail, "do not name"),
            (false, false, "w-2", Mark::Fail, "another one, w-2"),
            (false, true, "w-1", Mark::Fail, "suspended"),
        ] {
            for pinned in [false, true] {
                let check = judge(&workspace(sandbox, suspended), named, pinned);
                assert!(check.result == mark && check.found.contains(words), "{named} {check:?}");
                let asks = (mark, named, pinned) == (Mark::Ok, "", false);
                assert_eq!(check.found.ends_with("is this the one you mean?"), asks, "{check:?}");
            }
        }
    }

    #[test]
    fn a_key_that_looks_like_the_other_sort_is_told() {
        for (test_key, sandbox, mark) in
            [(true, true, Mark::Ok), (false, false, Mark::Ok), (true, false, Mark::Warn), (false, true, Mark::Warn)]
        {
            assert_eq!(key(test_key, &workspace(sandbox, false)).result, mark);
        }
    }

    #[test]
    fn a_slow_answer_is_no_wrong_clock() {
        const NOON_MS: i64 = 1_000_000_000;
        for (server_ms, trip_ms, mark, words) in [
            (0, 0, Mark::Ok, "agree"),
            (-900, 10, Mark::Ok, "agree"),
            (31_000, 2, Mark::Warn, "30 s behind"),
            (29_000, 2, Mark::Ok, "differ by 28 s"),
            (-31_500, 2, Mark::Warn, "30 s ahead"),
            (31_000, 10_000, Mark::Ok, "differ by"),
            (600_000, 20, Mark::Fail, "9 min 59 s behind"),
            (-600_500, 20, Mark::Fail, "9 min 59 s ahead"),
            (i64::MAX / 2, 20, Mark::Fail, "behind"),
        ] {
            let at = |ms| Now { wall: Time(NOON_MS).plus(ms), mono_ms: 7 + ms };
            let check = skew(Time(NOON_MS).plus(server_ms), at(0), at(trip_ms));
            assert!(check.result == mark && check.found.contains(words), "{server_ms} {trip_ms} {check:?}");
        }
    }

    #[test]
    fn spans_read_as_people_say_them() {
        for (ms, words) in
            [(0, "0 s"), (59_999, "59 s"), (600_000, "10 min"), (3_900_000, "1 h 5 min"), (266_400_000, "3 d 2 h")]
        {
            assert_eq!(span(ms), words);
        }
    }
}
