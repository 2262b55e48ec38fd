use super::{map, orders, plain, told};
use crate::job::{AcsLink, Format::Csv, InputSpec, Priority, Workflow};

#[test]
fn columns_are_mapped_and_defaults_fill_in_where_they_belong() {
    let spec = InputSpec {
        columns: map(&[("Work Email", "email_address"), ("What", "workflow"), ("Name", "full_name")]),
        defaults: map(&[("priority", "urgent"), ("acs_system_ids", "s1;s2"), ("mode", "ordered")]),
        key_columns: vec!["Employee ID".into(), "Work Email".into()],
        time_zone: Some("Europe/Berlin".into()),
        ..plain()
    };
    let text = "Employee ID,Work Email,What,Name,priority,not_before,acs_user_ids\r\n\
                7,a@example.com,onboard,\" Doe, \"\"Jean\"\"\",low,2026-07-01T18:00, 33 ; 34;\r\n\
                8,b@example.com,offboard,Bo Li,,,\r\n";
    let got = orders(text, &spec, Csv);
    let id = |id: &str| AcsLink::ById { acs_user_id: id.into() };
    let system = |id: &str| AcsLink::InSystem {
        acs_system_id: id.into(),
        email_address: Some("a@example.com".into()),
        phone_number: None,
    };
    assert_eq!(
        (got[0].job_key.as_str(), got[0].workflow, got[0].priority),
        ("7/a@example.com", Workflow::Onboard, Priority::Low)
    );
    assert_eq!(got[0].full_name.as_deref(), Some("Doe, \"Jean\""));
    assert_eq!(got[0].not_before.unwrap().to_string(), "2026-07-01T16:00:00.000Z");
    assert_eq!(got[0].acs_users, [id("33"), id("34"), system("s1"), system("s2")]);
    assert_eq!(got[1].full_name.as_deref(), Some("Bo Li"), "who leaves has a name, too");
    // The defaults that belong to onboarding leave the offboarding alone.
    assert_eq!((got[1].workflow, got[1].priority, got[1].acs_users.len()), (Workflow::Offboard, Priority::Urgent, 0));
}

#[test]
fn problems_are_told_by_the_name_the_file_uses() {
    let spec = InputSpec { columns: map(&[("Work Email", "email_address"), ("Key", "job_key")]), ..plain() };
    let text = "Key,workflow,Work Email\n,offboard,a@\nk,offboard,\nk2,onboard,b@example.com,x\nk3,\"off\nboard\",c@example.com\nk4,offboard,d@example.com\n";
    assert_eq!(
        told(text, &spec, Csv),
        [
            "f:2: Key: is missing; give the row a key of its own that never changes, or name key_columns for the input",
            "f:2: Work Email: `a@` is not an e-mail address; write one address like jean@example.com",
            "f:3: names nobody to offboard; give user_identity_id, user_identity_key, email_address or phone_number",
            "f:4: has 4 values, and the header names 3; put a value that holds a comma in double quotes, and keep the commas of empty values",
            "f:5: workflow: `off\\u{a}board` is none of offboard, onboard, update; write `offboard`",
            "f:7: k4 ok",
        ]
    );
}

#[test]
fn a_stray_quote_costs_one_line() {
    let text = "job_key,workflow,user_identity_key,reason\n1,offboard,a,\"tis so\n2,offboard,b,\n3,offboard,c,\"Bob\" said\n4,offboard,d,\"a\n\nb\"\n";
    let quote = "has a quote that does not open or close where a value does; put the whole value in double quotes, without blanks around them, and write each quote in it twice";
    assert_eq!(
        told(text, &plain(), Csv),
        [format!("f:2: {quote}"), "f:3: 2 ok".into(), format!("f:4: {quote}"), "f:5: 4 ok".into()]
    );
}

#[test]
fn a_bad_header_refuses_the_file() {
    let unknown = "is not a field that is known here";
    let table: &[(&[u8], &[&str])] = &[
        (b"", &["f: has no header line; begin it with the column names"]),
        (b"\xef\xbb\xbf\r\n", &["f: has no header line; begin it with the column names"]),
        (b"\xff\xfea\0,\0", &["f: is UTF-16; save it as UTF-8"]),
        (
            b"job_key,workflw,reason,reason,Dept\n1,2,3,4,5\n",
            &[
                &format!("f:1: column 2: `workflw` {unknown}; perhaps `workflow` is meant"),
                "f:1: column 4: `reason` is there twice; keep one",
                &format!("f:1: column 5: `Dept` {unknown}; remove it, or map it to a known field with `columns`"),
            ],
        ),
        (
            b"hr-1,offboard,emp-7\nhr-2,offboard,emp-8\n",
            &[
                "f:1: `hr-1,offboard,emp-7` is not a header; begin the file with the column names, like job_key,workflow,user_identity_key",
            ],
        ),
        (
            b"job_key;workflow\n1;offboard\n",
            &["f:1: `job_key;workflow` is not a header; separate the columns by commas"],
        ),
        (b"job_key,\xff\n", &["f:1: is not UTF-8 at byte 9; save the file as UTF-8"]),
    ];
    for (text, want) in table {
        assert_eq!(told(text, &plain(), Csv), *want, "{}", String::from_utf8_lossy(text));
    }
    let twice = InputSpec { columns: map(&[("Mail", "email_address")]), ..plain() };
    assert_eq!(
        told("job_key,Mail,email_address\n", &twice, Csv),
        ["f:1: column 3: `email_address` means email_address, and so does `Mail`; keep one"]
    );
}
