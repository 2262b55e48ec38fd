use super::{LISTS, There, endpoints, judge};
use crate::{
    cli::doctor::report::Mark,
    job::{Answer, Item, Kind, Listing, Outcome, Rejection, Reply},
};

fn answer(status: u16, outcome: Outcome) -> Answer {
    Answer { status: Some(status), ..Answer::untold(outcome, 1) }
}

fn listing(listing: Listing) -> Answer {
    answer(200, Outcome::Done(Reply::Listing(listing)))
}

fn everybody() -> Answer {
    listing(Listing { canary_failed: true, ..Listing::default() })
}

fn refusal(status: u16, error_type: &str) -> Answer {
    let (error_type, message) = (error_type.to_owned(), "No.".to_owned());
    answer(status, Outcome::Rejected(Rejection { status, error_type, message }))
}

fn unknown(status: u16) -> Answer {
    answer(status, Outcome::Unknown { reason: "odd".to_owned() })
}

#[test]
fn every_kind_that_belongs_to_a_person_is_tried() {
    for &kind in Kind::ALL {
        assert_eq!(
            LISTS.iter().any(|list| list.kind == kind),
            !matches!(kind, Kind::UserIdentity | Kind::AccessMethod),
            "{kind}"
        );
    }
}

#[test]
fn only_nothing_and_a_typed_refusal_are_good() {
    let item = Listing { items: vec![Item::default()], ..Listing::default() };
    for (answer, mark, there) in [
        (listing(Listing::default()), Mark::Ok, There::Yes),
        (everybody(), Mark::Warn, There::Yes),
        (listing(item), Mark::Warn, There::Yes),
        (listing(Listing { incomplete: Some("cut".to_owned()), ..Listing::default() }), Mark::Fail, There::Yes),
        (listing(Listing { unsupported: true, ..Listing::default() }), Mark::Skipped, There::No),
        (refusal(404, "user_identity_not_found"), Mark::Ok, There::Yes),
        (refusal(400, "user_identity_not_found"), Mark::Ok, There::Yes),
        (refusal(400, "invalid_input"), Mark::Warn, There::Yes),
        (refusal(403, "forbidden"), Mark::Fail, There::Yes),
        (refusal(405, "method_not_allowed"), Mark::Fail, There::No),
        (refusal(501, "not_implemented"), Mark::Fail, There::No),
        (unknown(404), Mark::Fail, There::No),
        (unknown(503), Mark::Fail, There::Unclear),
    ] {
        let finding = judge(&LISTS[0], "client_sessions/list", &answer);
        assert_eq!((finding.check.result, finding.there), (mark, there), "{answer:?}");
        assert_eq!(finding.check.remedy.is_some(), matches!(mark, Mark::Warn | Mark::Fail), "{:?}", finding.check);
        assert_eq!(finding.empty, finding.check.found.starts_with("empty"), "{:?}", finding.check);
    }
    // Where the objects name no owner, or the list itself is the witness, there is nothing else to go by.
    let failed = LISTS.iter().filter(|list| judge(list, "list", &everybody()).check.result == Mark::Fail);
    let failed: Vec<_> = failed.map(|list| list.plural).collect();
    assert_eq!(failed, ["linked ACS users", "phones", "devices", "entrances"]);
}

#[test]
fn a_missing_endpoint_is_harmless_only_where_the_daemon_can_do_without() {
    let check = |kind: Kind| {
        let there = |k: Kind| if k == kind { There::No } else { There::Yes };
        endpoints(&LISTS.iter().map(|list| (list, there(list.kind))).collect::<Vec<_>>())
    };
    let (none, phones) = (check(Kind::EnrollmentAutomation), check(Kind::Phone));
    assert_eq!((none.result, phones.result), (Mark::Ok, Mark::Fail));
    assert!(none.found.ends_with("\"has none\": enrollment automations"), "{none:?}");
    assert!(phones.found.contains("would wait: phones"), "{phones:?}");
}
