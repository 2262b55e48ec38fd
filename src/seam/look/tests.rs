use serde_json::{Value, json};

use crate::{
    job::{Answer, Call, Item, Kind, Listing, Outcome, Reply, Source},
    seam::{
        script::{bare, ok, play, refuse},
        wire::{Lost, Response},
    },
};

fn look(kind: Kind, sources: Vec<Source>) -> Call {
    Call::Look { kind, sources, canary: None }
}

fn of(identity: &str) -> Source {
    Source::Identity(identity.to_owned())
}

fn workspace(id: &str) -> Result<Response, Lost> {
    ok(json!({"workspace": {"workspace_id": id, "name": "W", "is_sandbox": true}}))
}

fn listing(answer: Answer) -> Listing {
    match answer.outcome {
        Outcome::Done(Reply::Listing(listing)) => listing,
        other => panic!("{other:?}"),
    }
}

fn ids(listing: &Listing) -> Vec<&str> {
    listing.items.iter().map(|item| item.id.as_str()).collect()
}

fn users(ids: &[&str], pagination: Value) -> Value {
    let users: Vec<Value> = ids.iter().map(|id| json!({"acs_user_id": id, "workspace_id": "ws-1"})).collect();
    json!({"acs_users": users, "pagination": pagination, "ok": true})
}

#[tokio::test]
async fn a_credential_without_owner_brings_whom_the_listed_identity_leads_to_afterwards() {
    let cards = |more: Value| {
        ok(json!({"acs_credentials": [{"acs_credential_id": "c-1", "workspace_id": "ws-1", "user_identity_id": more}]}))
    };
    let person = ok(json!({"user_identity": {"user_identity_id": "survivor", "workspace_id": "ws-1"}}));
    let call = look(Kind::AcsCredential, vec![of("p")]);
    let found = listing(play(&call, vec![cards(Value::Null), person]).await.0);
    assert_eq!(found.items[0].owners, [""; 0], "it is its ACS user's");
    assert_eq!(found.owner.map(|read| read.user_identity_id).as_deref(), Some("survivor"));
    let (answer, sent) = play(&call, vec![cards(json!("p"))]).await;
    assert_eq!((listing(answer).owner, sent.len()), (None, 1), "it names its owner itself");
}

#[tokio::test]
async fn a_phone_belongs_to_whom_the_listed_identity_leads_to_afterwards() {
    let phones = || ok(json!({"phones": [{"device_id": "d-1", "workspace_id": "ws-1"}]}));
    let person = |id: &str| ok(json!({"user_identity": {"user_identity_id": id, "workspace_id": "ws-1"}}));
    for owner in ["p", "survivor"] {
        let (answer, sent) = play(&look(Kind::Phone, vec![of("p")]), vec![phones(), person(owner)]).await;
        let listing = listing(answer);
        assert_eq!(listing.items[0].owners, [owner]);
        assert_eq!(listing.owner.map(|read| read.user_identity_id).as_deref(), Some(owner));
        assert_eq!(sent.len(), 2, "{sent:?}");
    }
    let dead = vec![phones(), refuse(404, "user_identity_not_found")];
    let (answer, _) = play(&look(Kind::Phone, vec![of("p")]), dead).await;
    assert_eq!(answer.outcome, Outcome::Gone, "whose the listed phones are, nobody tells any more");
    let none = ok(json!({"phones": []}));
    let (answer, sent) = play(&look(Kind::Phone, vec![of("p")]), vec![none, workspace("ws-1")]).await;
    assert_eq!(
        (listing(answer).owner, sent.len()),
        (None, 2),
        "no phones, no owner: the workspace tells that it is ours"
    );
    let (answer, _) = play(&look(Kind::Phone, vec![of("p")]), vec![phones(), ok(json!({"user_identity": {}}))]).await;
    assert!(matches!(answer.outcome, Outcome::Unknown { .. }), "{answer:?}");
}

#[tokio::test]
async fn pages_are_followed_by_cursor_with_the_same_parameters() {
    let url = "https://elsewhere.test/acs/users/list?next_page_cursor=evil";
    let (answer, asked) = play(
        &look(Kind::AcsUser, vec![of("p")]),
        vec![
            ok(users(&["a"], json!({"has_next_page": true, "next_page_cursor": "c1", "next_page_url": url}))),
            ok(users(&["b", "a"], json!({"has_next_page": false, "next_page_cursor": null}))),
        ],
    )
    .await;
    let listing = listing(answer);
    assert_eq!((ids(&listing), listing.incomplete.as_deref()), (vec!["a", "b"], None));
    assert_eq!(
        asked,
        [
            r#"acs/users/list {"limit":500,"user_identity_id":"p"}"#,
            r#"acs/users/list {"limit":500,"page_cursor":"c1","user_identity_id":"p"}"#,
        ]
    );
}

#[tokio::test]
async fn a_list_that_may_be_cut_is_incomplete() {
    let more = |cursor: Value| json!({"has_next_page": true, "next_page_cursor": cursor});
    let call = look(Kind::AcsUser, vec![of("p")]);
    let full: Vec<String> = (0..500).map(|n| format!("u{n}")).collect();
    let full: Vec<&str> = full.iter().map(String::as_str).collect();
    let endless = (0..200).map(|n| ok(users(&["a"], more(json!(format!("c{n}")))))).collect();
    for (answers, want) in [
        (vec![ok(users(&["a"], more(json!("c")))), ok(users(&["a"], more(json!("c"))))], Some("cursor came twice")),
        (vec![ok(users(&["a"], more(Value::Null)))], Some("no cursor")),
        (endless, Some("more than 200 pages")),
        (vec![ok(users(&full, Value::Null))], Some("full page without paging")),
        (vec![ok(users(&full[..499], Value::Null))], None),
        (vec![ok(users(&full, json!({"has_next_page": false})))], None),
    ] {
        let listing = listing(play(&call, answers).await.0);
        let why = listing.incomplete.as_deref();
        assert_eq!(why.is_some(), want.is_some(), "{why:?} is not {want:?}");
        assert!(why.unwrap_or_default().contains(want.unwrap_or_default()), "{why:?}");
        assert!(ids(&listing).contains(&if want.is_some_and(|w| w.contains("full")) || want.is_none() {
            "u7"
        } else {
            "a"
        }));
    }
}

#[tokio::test]
async fn a_failing_page_fails_the_whole() {
    let first = || ok(users(&["a"], json!({"has_next_page": true, "next_page_cursor": "c"})));
    let call = look(Kind::AcsUser, vec![of("p")]);
    for (second, want) in [
        (bare(503, ""), "unknown"),
        (bare(200, "<html>"), "unknown"),
        (refuse(401, "unauthorized"), "halt"),
        (refuse(429, "slow"), "not_applied"),
        (refuse(400, "mismatched_page_parameters"), "rejected"),
        (Err(Lost::NotSent("refused".to_owned())), "not_applied"),
        (Err(Lost::Unknown("reset".to_owned())), "unknown"),
        (ok(json!({"acs_users": [{"display_name": "no id"}]})), "unknown"),
        (ok(json!({"acs_users": [{"acs_user_id": "z", "workspace_id": "ws-2"}]})), "halt"),
        (ok(json!({"acs_systems": []})), "unknown"),
    ] {
        let (answer, _) = play(&call, vec![first(), second]).await;
        let outcome = serde_json::to_value(&answer.outcome).unwrap();
        assert!(outcome.get(want).is_some(), "{outcome} is not {want}");
    }
}

#[tokio::test]
async fn what_several_sources_say_about_one_object_is_united() {
    let user = |extra: Value| {
        let mut user = json!({"acs_user_id": "u", "workspace_id": "ws-1", "acs_system_id": "s"});
        user.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        json!({"acs_users": [user]})
    };
    let sources = vec![of("p"), Source::Linked("p".to_owned()), Source::Each(vec!["u".to_owned(), "v".to_owned()])];
    let (answer, asked) = play(
        &look(Kind::AcsUser, sources),
        vec![
            ok(user(json!({"user_identity_id": "p", "warnings": [{"warning_code": "being_deleted"}]}))),
            ok(user(json!({}))),
            ok(json!({"acs_user": {"acs_user_id": "u", "user_identity_id": "q",
                "errors": [{"error_code": "failed_to_delete_on_acs_system", "message": "m"}]}})),
            refuse(404, "acs_user_not_found"),
        ],
    )
    .await;
    let want = Item {
        id: "u".to_owned(),
        workspace_id: "ws-1".to_owned(),
        acs_system_id: Some("s".to_owned()),
        access_method_ids: Vec::new(),
        acs_user_id: None,
        owners: vec!["p".to_owned(), "q".to_owned()],
        listed_as_linked: true,
        being_deleted: true,
        failed_to_delete: true,
        irrevocable: None,
        created_at: None,
        access_method: None,
    };
    assert_eq!(listing(answer).items, [want]);
    assert_eq!(
        asked[1..],
        [
            r#"user_identities/list_acs_users {"user_identity_id":"p"}"#,
            r#"acs/users/get {"acs_user_id":"u"}"#,
            r#"acs/users/get {"acs_user_id":"v"}"#,
        ]
    );
}

#[tokio::test]
async fn only_what_no_list_showed_is_asked_for_by_its_id() {
    let ids = || ["a", "b"].map(str::to_owned).to_vec();
    let call = look(Kind::AcsUser, vec![of("p"), Source::Unlisted(ids())]);
    let found = || ok(json!({"acs_user": {"acs_user_id": "b", "workspace_id": "ws-1"}}));
    // A clear yes or no counts, a refusal leaves it at the list, and what is not clear is asked again.
    for (second, want) in [
        (found(), Some(vec!["a", "b"])),
        (refuse(404, "acs_user_not_found"), Some(vec!["a"])),
        (refuse(400, "invalid_input"), Some(vec!["a"])),
        (bare(404, "404"), None),
        (bare(503, ""), None),
        (refuse(401, "unauthorized"), None),
    ] {
        let (answer, asked) = play(&call, vec![ok(users(&["a"], json!(null))), second]).await;
        assert_eq!(asked[1..], [r#"acs/users/get {"acs_user_id":"b"}"#]);
        match want {
            Some(ids) => assert!(listing(answer).items.iter().map(|item| item.id.as_str()).eq(ids)),
            None => assert!(!matches!(answer.outcome, Outcome::Done(_)), "{:?}", answer.outcome),
        }
    }
    let strict = look(Kind::AcsUser, vec![of("p"), Source::Each(ids()[1..].to_vec())]);
    let (answer, _) = play(&strict, vec![ok(users(&["a"], json!(null))), refuse(400, "invalid_input")]).await;
    assert!(matches!(answer.outcome, Outcome::Rejected(_)), "{:?}", answer.outcome);
}

#[tokio::test]
async fn each_source_asks_its_own_way() {
    let cases = [
        (Kind::Phone, of("p"), r#"phones/list {"owner_user_identity_id":"p"}"#, json!({"phones": []})),
        (
            Kind::ClientSession,
            of("p"),
            r#"client_sessions/list {"user_identity_id":"p"}"#,
            json!({"client_sessions": []}),
        ),
        (
            Kind::AcsCredential,
            Source::AcsUser("u".to_owned()),
            r#"acs/credentials/list {"acs_user_id":"u","limit":500}"#,
            json!({"acs_credentials": []}),
        ),
        (
            Kind::Device,
            of("p"),
            r#"user_identities/list_accessible_devices {"user_identity_id":"p"}"#,
            json!({"accessible_devices": [], "devices": []}),
        ),
    ];
    for (kind, source, want, body) in cases {
        // What is empty is believed only where the key opens the pinned workspace.
        let (answer, asked) = play(&look(kind, vec![source.clone()]), vec![ok(body.clone()), workspace("ws-1")]).await;
        assert_eq!(asked, [want, "workspaces/get {}"]);
        let (elsewhere, _) = play(&look(kind, vec![source]), vec![ok(body), workspace("ws-2")]).await;
        assert!(matches!(elsewhere.outcome, Outcome::Halt { .. }), "{:?}", elsewhere.outcome);
        assert_eq!(listing(answer), Listing::default());
    }
    let key = Source::Key("emp-1".to_owned());
    let found = json!({"user_identity": {"user_identity_id": "p", "workspace_id": "ws-1"}});
    let (answer, asked) = play(&look(Kind::UserIdentity, vec![key.clone()]), vec![ok(found)]).await;
    assert_eq!(asked, [r#"user_identities/get {"user_identity_key":"emp-1"}"#]);
    assert_eq!(listing(answer).items[0].owners, ["p"]);
    let script = vec![refuse(404, "user_identity_not_found"), workspace("ws-1")];
    let (answer, asked) = play(&look(Kind::UserIdentity, vec![key]), script).await;
    assert_eq!((listing(answer), asked[1].as_str()), (Listing::default(), "workspaces/get {}"));
}

#[tokio::test]
async fn credentials_of_an_acs_user_that_is_gone_are_none() {
    let call = look(Kind::AcsCredential, vec![Source::AcsUser("u".to_owned())]);
    let (answer, _) = play(&call, vec![refuse(404, "acs_user_not_found"), workspace("ws-1")]).await;
    assert_eq!(listing(answer), Listing::default());
    for other in [refuse(404, "user_identity_not_found"), refuse(400, "acs_user_not_found"), bare(404, "404")] {
        let (answer, _) = play(&call, vec![other]).await;
        assert!(!matches!(answer.outcome, Outcome::Done(_)), "{:?}", answer.outcome);
    }
    // A dead identity is no proof for anything: its lists are refused, not empty.
    let (answer, _) = play(&look(Kind::AcsUser, vec![of("p")]), vec![refuse(404, "user_identity_not_found")]).await;
    assert!(matches!(answer.outcome, Outcome::Rejected(_)));
}

#[tokio::test]
async fn of_no_ids_none_is_there() {
    let (answer, asked) = play(&look(Kind::AcsUser, vec![Source::Each(vec![])]), vec![]).await;
    assert!(asked.is_empty());
    assert_eq!(listing(answer), Listing::default());
}

#[tokio::test]
async fn a_look_at_nobody_is_never_sent() {
    for call in [
        look(Kind::Phone, vec![]),
        look(Kind::Phone, vec![of("")]),
        look(Kind::Phone, vec![of(" ")]),
        look(Kind::AcsUser, vec![Source::Each(vec![String::new()])]),
        Call::Look { kind: Kind::Phone, sources: vec![of("p")], canary: Some(String::new()) },
        look(Kind::UserIdentity, vec![of("p")]),
        look(Kind::Device, vec![Source::Each(vec!["d".to_owned()])]),
        look(Kind::Phone, vec![Source::Linked("p".to_owned())]),
        look(Kind::AcsUser, vec![Source::Key("k".to_owned())]),
    ] {
        let (answer, asked) = play(&call, vec![]).await;
        assert!(asked.is_empty());
        let Outcome::Rejected(rejection) = answer.outcome else { panic!("{call:?}: {:?}", answer.outcome) };
        assert_eq!(rejection.status, 0);
        assert!(["empty_filter", "no_such_source"].contains(&rejection.error_type.as_str()), "{rejection:?}");
    }
}
