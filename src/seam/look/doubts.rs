use serde_json::json;

use crate::{
    job::{Answer, Call, Kind, Listing, Outcome, Reply, Source},
    seam::{
        script::{bare, ok, play, refuse},
        wire::Lost,
    },
};

const AUTOMATIONS: &str = r#"user_identities/enrollment_automations/list {"user_identity_id":"p"}"#;
const SECOND: &str = r#"user_identities/get {"user_identity_id":"p"}"#;

fn phones() -> Call {
    let sources = vec![Source::Identity("p".to_owned())];
    Call::Look { kind: Kind::Phone, sources, canary: Some("random".to_owned()) }
}

fn automations(source: Source) -> Call {
    Call::Look { kind: Kind::EnrollmentAutomation, sources: vec![source], canary: None }
}

fn done(listing: Listing) -> Outcome {
    Outcome::Done(Reply::Listing(listing))
}

fn unsupported() -> Outcome {
    done(Listing { unsupported: true, ..Listing::default() })
}

fn class(answer: &Answer) -> String {
    let outcome = serde_json::to_value(&answer.outcome).unwrap();
    match &outcome {
        serde_json::Value::String(word) => word.clone(),
        other => other.as_object().unwrap().keys().next().unwrap().clone(),
    }
}

#[tokio::test]
async fn a_filter_is_believed_only_after_a_random_owner_showed_nothing() {
    let phone = || ok(json!({"phones": [{"device_id": "d", "workspace_id": "ws-1"}]}));
    for canary in [ok(json!({"phones": []})), refuse(404, "user_identity_not_found"), refuse(400, "invalid_input")] {
        let person = ok(json!({"user_identity": {"user_identity_id": "p", "workspace_id": "ws-1"}}));
        let (answer, asked) = play(&phones(), vec![canary, phone(), person]).await;
        let Outcome::Done(Reply::Listing(listing)) = answer.outcome else { panic!("{:?}", answer.outcome) };
        assert_eq!((listing.items.len(), listing.canary_failed), (1, false));
        assert_eq!(
            asked,
            [
                r#"phones/list {"owner_user_identity_id":"random"}"#,
                r#"phones/list {"owner_user_identity_id":"p"}"#,
                r#"user_identities/get {"user_identity_id":"p"}"#
            ]
        );
    }
    let more = ok(json!({"phones": [], "pagination": {"has_next_page": true, "next_page_cursor": "c"}}));
    for canary in [phone(), more] {
        let (answer, asked) = play(&phones(), vec![canary]).await;
        assert_eq!(answer.outcome, done(Listing { canary_failed: true, ..Listing::default() }));
        assert_eq!(asked.len(), 1, "no further request");
    }
}

#[tokio::test]
async fn a_canary_without_a_clear_answer_is_no_canary() {
    for (canary, want) in [
        (bare(404, "404"), "unknown"),
        (bare(503, ""), "unknown"),
        (refuse(500, "internal_server_error"), "unknown"),
        (refuse(501, "not_implemented"), "rejected"),
        (refuse(429, "slow"), "not_applied"),
        (refuse(401, "unauthorized"), "halt"),
        (Err(Lost::Unknown("reset".to_owned())), "unknown"),
        (ok(json!({"phones": [{"device_id": "d", "workspace_id": "ws-2"}]})), "halt"),
        (ok(json!({"phones": [{}]})), "done"),
    ] {
        let (answer, asked) = play(&phones(), vec![canary]).await;
        assert_eq!(class(&answer), want);
        assert_eq!(asked.len(), 1);
    }
}

#[tokio::test]
async fn a_missing_optional_endpoint_needs_a_good_second_answer() {
    let missing = [
        bare(404, "404"),
        bare(405, ""),
        bare(501, ""),
        refuse(405, "method_not_allowed"),
        refuse(501, "not_implemented"),
    ];
    let person = || ok(json!({"user_identity": {"user_identity_id": "p", "workspace_id": "ws-1"}}));
    let elsewhere = || ok(json!({"user_identity": {"user_identity_id": "p", "workspace_id": "ws-2"}}));
    for first in missing {
        let seconds = [
            (person(), "unsupported"),
            (refuse(404, "user_identity_not_found"), "unsupported"),
            (bare(404, "404"), "unknown"),
            (bare(503, ""), "unknown"),
            (bare(200, "<html>"), "unknown"),
            (refuse(400, "invalid_input"), "unknown"),
            (Err(Lost::NotSent("refused".to_owned())), "unknown"),
            (refuse(401, "unauthorized"), "halt"),
            (refuse(429, "slow"), "not_applied"),
            (elsewhere(), "halt"),
        ];
        for (second, want) in seconds {
            let (answer, asked) =
                play(&automations(Source::Identity("p".to_owned())), vec![first.clone(), second.clone()]).await;
            assert_eq!(asked, [AUTOMATIONS, SECOND]);
            if want == "unsupported" {
                assert_eq!(answer.outcome, unsupported());
            } else {
                assert_eq!(class(&answer), want, "{first:?} then {second:?}");
            }
        }
    }
}

#[tokio::test]
async fn only_an_optional_kind_can_be_missing_and_only_by_a_missing_endpoint() {
    let call = Call::Look { kind: Kind::InstantKey, sources: vec![Source::Identity("p".to_owned())], canary: None };
    assert_eq!(class(&play(&call, vec![bare(404, "404")]).await.0), "unknown");
    for (first, want) in [
        (bare(503, ""), "unknown"),
        (bare(400, "Invalid JSON"), "unknown"),
        (refuse(404, "enrollment_automation_not_found"), "rejected"),
        (refuse(404, "user_identity_not_found"), "rejected"),
    ] {
        let (answer, asked) = play(&automations(Source::Identity("p".to_owned())), vec![first]).await;
        assert_eq!((class(&answer).as_str(), asked.len()), (want, 1));
    }
}

#[tokio::test]
async fn a_missing_get_is_checked_with_the_workspace() {
    let each = || Source::Each(vec!["e1".to_owned(), "e2".to_owned()]);
    let workspace = || ok(json!({"workspace": {"workspace_id": "ws-1", "name": "W", "is_sandbox": true}}));
    let (answer, asked) = play(&automations(each()), vec![bare(404, "404"), workspace()]).await;
    assert_eq!(answer.outcome, unsupported());
    assert_eq!(asked[1], "workspaces/get {}");
    let (answer, _) = play(&automations(each()), vec![bare(404, "404"), bare(404, "404")]).await;
    assert_eq!(class(&answer), "unknown");
    // What was seen alive is not forgotten because a later answer is odd.
    let seen = ok(json!({"enrollment_automation": {"enrollment_automation_id": "e1"}}));
    let (answer, _) = play(&automations(each()), vec![seen, bare(404, "404")]).await;
    assert_eq!(class(&answer), "unknown");
}
