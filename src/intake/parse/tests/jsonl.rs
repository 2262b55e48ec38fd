use super::{map, orders, plain, read, told};
use crate::{
    intake::parse::{Keying, check_spec},
    job::{AcsLink, Deadline, Format::Jsonl, InputSpec, Mode, Order, Person, Priority, Workflow, sha256_hex},
};

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn every_field_arrives() {
    let text = concat!(
        r#"{"job_key":"hr-8813","workflow":"onboard","user_identity_key":"jean_doe","full_name":"Jean Doe","#,
        r#""email_address":"Jean@example.com","phone_number":"+15555550110","priority":null,"reason":"","rehire":true,"#,
        r#""acs_users":[{"acs_user_id":"33"},{"acs_system_id":"44","create":true},{"acs_system_id":"45"},"#,
        r#"{"acs_system_id":"46","phone_number":"+4930","create":false},{"email_address":"j@example.com"}]}"#,
        "\n",
        r#"{"job_key":"hr-8812","workflow":"offboard","user_identity_id":"id","user_identity_key":"emp-1006","#,
        r#""priority":"urgent","not_before":"2026-11-30T18:00[Europe/Berlin]","deadline":"PT4H","#,
        r#""reason":"termination\nHR-8812","mode":"cascade"}"#,
    );
    let jean = Person {
        user_identity_id: None,
        user_identity_key: some("jean_doe"),
        email_address: some("Jean@example.com"),
        phone_number: some("+15555550110"),
    };
    let links = vec![
        AcsLink::ById { acs_user_id: "33".into() },
        AcsLink::Create {
            acs_system_id: "44".into(),
            full_name: "Jean Doe".into(),
            email_address: jean.email_address.clone(),
            phone_number: jean.phone_number.clone(),
        },
        AcsLink::InSystem {
            acs_system_id: "45".into(),
            email_address: jean.email_address.clone(),
            phone_number: jean.phone_number.clone(),
        },
        AcsLink::InSystem { acs_system_id: "46".into(), email_address: None, phone_number: some("+4930") },
        AcsLink::ByEmail { email_address: "j@example.com".into() },
    ];
    let want = [
        Order {
            job_key: "hr-8813".into(),
            workflow: Workflow::Onboard,
            person: jean,
            full_name: some("Jean Doe"),
            acs_users: links,
            mode: None,
            cut_first: None,
            unlisted_acs_users: None,
            priority: Priority::Normal,
            not_before: None,
            deadline: None,
            reason: None,
            rehire: true,
        },
        Order {
            job_key: "hr-8812".into(),
            workflow: Workflow::Offboard,
            person: Person { user_identity_id: some("id"), user_identity_key: some("emp-1006"), ..Person::default() },
            full_name: None,
            acs_users: Vec::new(),
            mode: Some(Mode::Cascade),
            cut_first: None,
            unlisted_acs_users: None,
            priority: Priority::Urgent,
            not_before: Some("2026-11-30T17:00:00Z".parse().unwrap()),
            deadline: Some(Deadline::Within(4 * 3_600_000)),
            reason: some("termination HR-8812"),
            rehire: false,
        },
    ];
    assert_eq!(orders(text, &plain(), Jsonl), want);
}

/// One row each, and all that is said about it.
const PROBLEMS: &[(&str, &[&str])] = &[
    (
        r#"{"workflow":"offbord","emial_address":"x","phone_number":"030","priority":1,"deadline":"soon","rehire":true}"#,
        &[
            "f:1: job_key: is missing; give the row a key of its own that never changes, or name key_columns for the input",
            "f:1: emial_address: is not a field that is known here; perhaps `email_address` is meant",
            "f:1: workflow: `offbord` is none of offboard, onboard, update; write `offboard`",
            "f:1: phone_number: `030` is not a phone number in E.164; write + and the country code, then digits only, like +15555550100",
            "f:1: priority: is a number, not text; put the value in quotes",
            "f:1: deadline: `soon` is neither a span nor a moment; write a span after acceptance like PT4H or P1D, or a moment with offset or zone",
        ],
    ),
    (r#"{"job_key":"k","user_identity_key":"a"}"#, &["f:1: workflow: is missing; write onboard, offboard or update"]),
    (
        r#"{"job_key":"k","workflow":"offboard"}"#,
        &["f:1: names nobody to offboard; give user_identity_id, user_identity_key, email_address or phone_number"],
    ),
    (
        r#"{"job_key":"k","workflow":"onboard","reason":"x"}"#,
        &["f:1: names nobody to onboard; give user_identity_key, email_address, phone_number or full_name"],
    ),
    (
        r#"{"job_key":"k","workflow":"onboard","user_identity_id":"x","mode":"ordered"}"#,
        &[
            "f:1: mode: belongs to offboarding, and this row onboards; leave it empty on onboard rows",
            "f:1: user_identity_id: is Seam's to give, and this row onboards; use user_identity_key for a key of your own",
        ],
    ),
    (
        r#"{"job_key":"k","workflow":"offboard","user_identity_key":"a","full_name":"A","acs_user_ids":"1"}"#,
        &[
            "f:1: acs_user_ids: belongs to onboarding and update, and this row offboards; leave it empty on offboard rows",
        ],
    ),
    (
        r#"{"job_key":"k","workflow":"offboard","user_identity_key":"a","mode":"cascaded","rehire":true}"#,
        &[
            "f:1: mode: `cascaded` is none of ordered, cascade; write `cascade`",
            "f:1: rehire: is true, and this row offboards; say it on the row that orders them back, and false or nothing here",
        ],
    ),
    (
        r#"{"job_key":"k","workflow":"offboard","user_identity_key":"a","user_identity_key":"b"}"#,
        &["f:1: user_identity_key: is there twice; keep one"],
    ),
    (
        r#"{"job_key":"k","workflow":"offboard","user_identity_key":"a","not_before":"2026-11-02T00:00Z","deadline":"2026-11-01T00:00Z"}"#,
        &["f:1: deadline: is before not_before; correct one of them"],
    ),
    (
        r#"{"job_key":"k\u0000","workflow":"offboard","user_identity_key":"a"}"#,
        &["f:1: job_key: `k\\u{0}` holds the hidden character U+0000; remove the character"],
    ),
    (
        r#"{"job_key":"k","workflow":"#,
        &[
            "f:1: is not valid JSON: it ends too early; write one JSON object a line, each field once, text in double quotes",
        ],
    ),
    (
        r#"{"job_key":"k","workflow":"offboard","user_identity_key":"a","department":"x"}"#,
        &["f:1: department: is not a field that is known here; remove it, or map it to a known field with `columns`"],
    ),
];

const LINK_PROBLEMS: &[(&str, &[&str])] = &[
    (
        r#"{"job_key":"k","workflow":"onboard","full_name":"A","acs_users":[{"acs_user_id":"1","create":true},{"create":true},
           {"acs_system_id":"s"},{"phone_number":"+49"},{},7,{"acs_user_id":"2","acs_user_id":"3"},{"acs_sistem_id":"4"},{"acs_system_id":"s","create":"yes"},
           {"acs_user_id":"5"},{"acs_user_id":"5"},{"acs_system_id":"s","full_name":"B","email_address":"b@example.com"}]}"#,
        &[
            "f:1: acs_users[0]: gives more than acs_user_id, which says all; keep only acs_user_id, or leave it out",
            "f:1: acs_users[1]: creates an ACS user nowhere; add acs_system_id",
            "f:1: acs_users[2]: looks in system `s` for nobody; add email_address or phone_number, here or for the row",
            "f:1: acs_users[3]: gives a phone_number without a system; add acs_system_id",
            "f:1: acs_users[4]: names no ACS user; give acs_user_id, acs_system_id or email_address",
            "f:1: acs_users[5]: is a number, not an object; write {\"acs_user_id\": \"…\"}",
            "f:1: acs_users[6].acs_user_id: is there twice; keep one",
            "f:1: acs_users[7].acs_sistem_id: is not a field that is known here; perhaps `acs_system_id` is meant",
            "f:1: acs_users[8].create: is text, not true or false; write true without quotes, or leave it out",
            "f:1: acs_users[10]: names the same ACS user twice; keep one",
            "f:1: acs_users[11]: gives full_name, which only `create: true` uses; leave out full_name, or add `create: true`",
        ],
    ),
    (
        r#"{"job_key":"k","workflow":"onboard","email_address":"a@example.com","acs_users":[{"acs_system_id":"s","create":true}]}"#,
        &["f:1: acs_users[0]: creates an ACS user without a name; add full_name, here or for the row"],
    ),
    (
        r#"{"job_key":"k","workflow":"onboard","email_address":"a@","acs_users":[{"acs_system_id":"s"}]}"#,
        &["f:1: email_address: `a@` is not an e-mail address; write one address like jean@example.com"],
    ),
    (
        r#"{"job_key":"k","workflow":"onboard","full_name":"A","acs_users":"33"}"#,
        &[
            "f:1: acs_users: is text, not a list of objects; write [{\"acs_user_id\": \"…\"}]; in csv use the columns acs_user_ids and acs_system_ids",
        ],
    ),
];

/// P10: every mistake of a row, with its place and remedy; what is not built is refused.
#[test]
fn every_problem_is_told_at_once_with_its_remedy() {
    for (text, want) in PROBLEMS.iter().chain(LINK_PROBLEMS) {
        let line = text.replace('\n', " ");
        assert_eq!(told(&line, &plain(), Jsonl), *want, "{text}");
    }
}

/// P10: the rows around a bad one are read.
#[test]
fn a_bad_row_never_blocks_a_good_one() {
    let good = |key: &str| format!(r#"{{"job_key":"{key}","workflow":"offboard","user_identity_key":"a"}}"#);
    let mut text = format!("\u{feff}{}\r\n\r\n   \n{{\n", good("1")).into_bytes();
    text.extend_from_slice(b"{\"job_key\":\"\xff\"}\n");
    text.extend_from_slice(format!("{}\n{}\n[]\n{}", "x".repeat(70_000), good("2"), good("3")).as_bytes());
    assert_eq!(
        told(text, &plain(), Jsonl),
        [
            "f:1: 1 ok",
            "f:4: is not valid JSON: it ends too early; write one JSON object a line, each field once, text in double quotes",
            "f:5: is not UTF-8 at byte 13; save the file as UTF-8",
            "f:6: is longer than 64 KiB; shorten it; in csv see that every quote is closed",
            "f:7: 2 ok",
            "f:8: is a list, not an object; write one JSON object a line, each field once, text in double quotes",
            "f:9: 3 ok",
        ]
    );
}

#[test]
fn keys_from_columns_and_from_the_file() {
    let keyed = InputSpec { key_columns: vec!["Employee ID".into(), "Left".into()], ..plain() };
    let row = r#"{"workflow":"offboard","user_identity_key":"a","Employee ID":"7","Left":"2026"}"#;
    assert_eq!(orders(row, &keyed, Jsonl)[0].job_key, "7/2026");
    let own = r#"{"job_key":"own","workflow":"offboard","user_identity_key":"a","Employee ID":"7"}"#;
    assert_eq!(orders(own, &keyed, Jsonl)[0].job_key, "own");
    assert_eq!(
        told(r#"{"workflow":"offboard","user_identity_key":"a","Employee ID":7}"#, &keyed, Jsonl),
        [
            "f:1: Employee ID: is a number, not text; put the value in quotes",
            "f:1: Left: is empty, and the job key is made of it; fill it in, or give the row a job_key",
        ]
    );

    let bare = r#"{"workflow":"offboard","user_identity_key":"a"}"#;
    let key = |text: &str, hash: &str| {
        let row = read(text, &plain(), Jsonl, Keying::FromFile(hash.to_owned())).remove(0).unwrap();
        assert_eq!(row.order.map_or_else(|_| row.job_key.clone(), |order| order.job_key), row.job_key);
        row.job_key
    };
    assert_eq!(key(bare, "h"), sha256_hex(format!("{bare}h").as_bytes())[..32]);
    assert_ne!(key(bare, "h"), key(bare, "other file"));
    assert_eq!(key(&bare.replace("offboard", "offbord"), "h").len(), 32);
    assert_eq!(key(&bare.replace('{', "{\"job_key\":7,"), "h"), "", "a wrong key is not replaced");
}

#[test]
fn the_hash_is_of_what_is_ordered_not_of_how_it_is_written() {
    let hash = |text: &str| read(text, &plain(), Jsonl, Keying::Required).remove(0).unwrap().content_hash;
    let a = hash(r#"{"job_key":"k","workflow":"offboard","user_identity_key":"a"}"#);
    assert_eq!(a, hash(r#"{ "user_identity_key":"a", "workflow":"offboard","job_key":"k","reason":null }"#));
    assert_ne!(a, hash(r#"{"job_key":"k","workflow":"offboard","user_identity_key":"b"}"#));
    assert_eq!(hash("{"), sha256_hex(b"{"));
}

#[test]
fn the_settings_of_an_input_are_checked_too() {
    let spec = InputSpec {
        columns: map(&[("Mail", "email_adress")]),
        defaults: map(&[
            ("priority", "asap"),
            ("email_address", "a@example.com"),
            ("prioritty", "low"),
            ("deadline", "P1M"),
        ]),
        time_zone: Some("Berlin".into()),
        ..plain()
    };
    let told: Vec<_> = check_spec(&spec)
        .into_iter()
        .map(|found| format!("{}: {}; {}", found.field, found.message, found.remedy))
        .collect();
    assert_eq!(
        told,
        [
            "columns.Mail: `email_adress` is not a field that is known here; perhaps `email_address` is meant",
            "defaults.email_address: cannot have a default: every row without it would get the same one; remove the default",
            "defaults.prioritty: `prioritty` is not a field that is known here; perhaps `priority` is meant",
            "time_zone: `Berlin` is no time zone known here; use an IANA name like Europe/Berlin, and see that the machine's tzdata package is installed",
            "defaults.priority: `asap` is none of urgent, normal, low; write urgent or normal or low",
            "defaults.deadline: `P1M` counts years or months, which have no fixed length; count in weeks, days or hours",
        ]
    );
    let good = InputSpec {
        defaults: map(&[("workflow", "offboard"), ("mode", "ordered"), ("acs_system_ids", "s"), ("reason", "left")]),
        ..plain()
    };
    assert_eq!(check_spec(&good), []);
    let spoilt = read("{}\n{}\n", &spec, Jsonl, Keying::Required);
    assert!(spoilt.len() == 6 && spoilt.iter().all(Result::is_err), "nothing is read with wrong settings");
}
