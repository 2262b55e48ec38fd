//! `backstitch certificate`: what is attested of one leaver.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use super::{
    Exit, Failure, Global,
    certificates::{refused, to_file},
    database::{block_on, reader},
    missing::no_job,
    out,
    which::offboardings,
};
use crate::{
    job::{certificate::seal, counted},
    store::Certified,
};

/// Arguments of `certificate`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch certificate hr-8812
  backstitch certificate hr-8812 --name --out hr-8812.txt
  backstitch certificate hr-8812 --json --out hr-8812.json
  backstitch certificate key:emp-1006

A certificate is issued when an offboarding ends: proven, or ended by an operator after its person was found. It names the \
person by Seam's id; --name adds, in the text for people only, who that is. With --json it is the sealed writing itself: \
SHA-256 of the seal before it, a line feed and the body.")]
pub struct CertificateArgs {
    /// Job key or number; or a person: key:KEY, id:ID, an e-mail address, a phone number, or a key alone, for the newest
    #[arg(value_name = "JOB|PERSON")]
    pub job: String,
    /// Say who the person is
    #[arg(long)]
    pub name: bool,
    /// Write to this file
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

pub(super) fn run(global: &Global, args: &CertificateArgs) -> Result<Exit, Failure> {
    let (found, job) = block_on(async {
        let mut reader = reader(global).await?;
        let mut found = (reader.certificate(&args.job).await?, reader.job(&args.job).await?);
        if found.1.is_none() {
            for line in offboardings(&mut reader, &args.job).await? {
                let (newer, job) = (reader.certificate(&line.job_key).await?, reader.job(&line.job_key).await?);
                found = if newer.is_some() || found.1.is_none() { (newer, job) } else { found };
                if found.0.is_some() {
                    break;
                }
            }
        }
        if found.1.is_none() && found.0.is_none() {
            let nor = format!(", and no offboarding is of a person `{}`", out::plain(&args.job));
            return Err(no_job(&mut reader, &args.job, &nor).await?);
        }
        Ok(found)
    })?;
    let name = job.as_ref().map_or(args.job.as_str(), |job| job.line.job_key.as_str());
    let name = out::plain(name).into_owned();
    let Some(one) = found else {
        let stands = job.map(|job| format!(" (workflow {}, state {})", job.line.workflow, job.line.state));
        let message = format!("job {name} has no certificate{}", stands.unwrap_or_default());
        return Err(Failure::new(Exit::Failures, message)
            .hint("one is issued when an offboarding ends proven, or is ended after its person was found"));
    };
    if seal(&one.sealed.previous_sha256, &one.sealed.body_json) != one.sealed.sha256 {
        let message = format!("the certificate of {name} was altered: its content does not fit its SHA-256");
        return Err(
            Failure::new(Exit::Failures, message).hint("`backstitch verify-certificates` reads the whole chain")
        );
    }
    let text = if global.json { one.sealed.line() } else { text(&one, args.name)? };
    match &args.out {
        None => out::line(text)?,
        Some(path) => to_file(path, |to| writeln!(to, "{text}").map_err(|error| refused(path, &error)))?,
    }
    Ok(Exit::Done)
}

/// The body in the words of people.
fn text(one: &Certified, with_name: bool) -> Result<String, Failure> {
    let body: Value = serde_json::from_str(&one.sealed.body_json)
        .map_err(|error| Failure::new(Exit::Io, format!("the certificate cannot be read: {error}")))?;
    let mut text = format!("Certificate no. {} of {}: {}\n", one.sealed.serial, one.sealed.job_key, verdict(&body));
    for (name, says) in facts(&body, with_name.then_some(one)) {
        if !says.is_empty() {
            text.push_str(&format!("  {name:<11} {}\n", out::plain(&says)));
        }
    }
    let frozen = moment(&body["inventory"]["frozen_at"]);
    let sweeps = &body["sweeps"];
    let parts = [
        (format!("Inventory, as frozen {frozen}; each removal and its two proofs"), objects(&body)),
        (
            "Looks at everything while the identity still existed".to_owned(),
            looks(&sweeps["while_the_identity_existed"]),
        ),
        ("Looks after its end, by id".to_owned(), looks(&sweeps["after_its_end"])),
        ("Left behind: not proven gone".to_owned(), residue(&body)),
        ("Exceptions".to_owned(), exceptions(&body)),
    ];
    for (head, table) in parts.iter().filter(|(_, table)| !table.is_empty()) {
        text.push_str(&format!("\n{head}\n{table}\n"));
    }
    let issuer = &body["issuer"];
    text.push_str(&format!(
        "\nSeal\n  {} by backstitch {}, workspace {}, database {}\n  before      {}\n  SHA-256     {}",
        say(&body["format"]),
        say(&issuer["version"]),
        say(&issuer["workspace_id"]),
        say(&issuer["instance_id"]),
        if one.sealed.previous_sha256.is_empty() { "none, this is the first" } else { &one.sealed.previous_sha256 },
        one.sealed.sha256
    ));
    Ok(text)
}

fn verdict(body: &Value) -> &'static str {
    match body["verdict"].as_str() {
        Some("proven") => "PROVEN, everything listed is gone",
        Some("absent") => "ABSENT, Seam knew nobody to revoke anything of",
        _ => "NOT PROVEN, ended by an operator",
    }
}

fn facts(body: &Value, named: Option<&Certified>) -> Vec<(&'static str, String)> {
    let (order, clock) = (&body["order"], &body["clock"]);
    let at = |name: &str| moment(&clock[name]);
    let who = named.map(|one| {
        let (asked, found) = (&one.order.person, one.identity.clone().unwrap_or_default());
        let name = one.order.full_name.clone().or(found.full_name);
        let key = found.user_identity_key.or(asked.user_identity_key.clone());
        let contact =
            [found.email_address.or(asked.email_address.clone()), found.phone_number.or(asked.phone_number.clone())];
        [name, key].into_iter().chain(contact).flatten().collect::<Vec<_>>().join(", ")
    });
    let approval = &order["approval"];
    let approved = match approval.is_null() {
        true => String::new(),
        false => format!(
            "{} {}: {}",
            say(&approval["approved_by"]),
            moment(&approval["approved_at"]),
            say(&approval["reason"])
        ),
    };
    let target = match clock["target_met"].as_bool() {
        Some(met) => format!("{}, {}", at("target_at"), if met { "met" } else { "missed" }),
        None => "none set".to_owned(),
    };
    let origin = format!("{} line {}, SHA-256 {}", say(&order["file"]), order["line"], say(&order["content_sha256"]));
    vec![
        ("says", say(&body["says"]).to_owned()),
        ("person", format!("user identity {}", say(&body["person"]["user_identity_id"]))),
        ("who", who.unwrap_or_default()),
        ("order", origin),
        ("because", say(&order["reason"]).to_owned()),
        ("approved", approved),
        ("looks after", say(&order["looks_after"]).to_owned()),
        ("mode", say(&body["mode"]).to_owned()),
        ("ordered", at("ordered_at")),
        ("begun", at("begun_at")),
        ("doors cut", at("cut_at")),
        ("last gone", at("last_gone_at")),
        ("verified", at("verified_at")),
        ("ended", at("ended_at")),
        ("target", target),
    ]
}

fn say(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn moment(value: &Value) -> String {
    say(value).parse().map(out::time).unwrap_or_default()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn objects(body: &Value) -> String {
    let row = |one: &Value| {
        let removal = &one["removal"];
        let sent = list(&removal["requests"]).count();
        let way = match (say(&removal["way"]), sent) {
            ("requested", 1) => moment(&removal["requested_at"]),
            ("requested", many) => format!("{}, {}", moment(&removal["requested_at"]), counted(many, "request")),
            ("with_the_identity", _) => "with its identity".to_owned(),
            _ if list(&one["proofs"]).count() == 0 => "not removed".to_owned(),
            _ => "without a request".to_owned(),
        };
        let mut proofs = list(&one["proofs"]).map(|proof| match say(&proof["by"]) {
            "read_back_by_id" => moment(&proof["at"]),
            by => format!("{by} {}", moment(&proof["at"])),
        });
        let first = proofs.next().unwrap_or_else(|| "none".to_owned());
        let second = proofs.next().unwrap_or_else(|| "none".to_owned());
        let found = moment(&one["found_at"]) + if one["in_inventory"] == true { "" } else { " (later)" };
        [say(&one["kind"]).to_owned(), say(&one["id"]).to_owned(), found, way, first, second]
    };
    out::table(
        ["KIND", "OBJECT", "FOUND", "REMOVAL", "PROOF", "READ BACK BY ID"],
        list(&body["inventory"]["objects"]).map(row),
    )
}

fn looks(all: &Value) -> String {
    let row = |one: &Value| {
        let remark = match (&one["endpoint_missing"], &one["complete"]) {
            (Value::Bool(true), _) => "the endpoint does not exist",
            (_, Value::Bool(false)) => "incomplete, proves nothing",
            _ => "",
        };
        let request = say(&one["request_id"]).to_owned();
        [
            say(&one["kind"]).to_owned(),
            moment(&one["begun_at"]),
            one["count"].to_string(),
            one["remaining"].to_string(),
            request,
            remark.to_owned(),
        ]
    };
    out::table(["KIND", "BEGUN", "LISTED", "LEFT", "REQUEST", "REMARK"], list(all).map(row))
}

fn residue(body: &Value) -> String {
    let row = |one: &Value| ["kind", "id", "state", "cause", "detail"].map(|name| say(&one[name]).to_owned());
    out::table(["KIND", "OBJECT", "STATE", "CAUSE", "DETAIL"], list(&body["residue"]).map(row))
}

fn exceptions(body: &Value) -> String {
    let row = |one: &Value| {
        let actor = if one["actor"].is_null() { "" } else { say(&one["actor"]) };
        let object = format!("{} {}", say(&one["kind"]), say(&one["id"]));
        [
            moment(&one["at"]),
            say(&one["what"]).replace('_', " "),
            object.trim().to_owned(),
            say(&one["detail"]).to_owned(),
            actor.to_owned(),
        ]
    };
    out::table(["AT", "WHAT", "OBJECT", "DETAIL", "BY"], list(&body["exceptions"]).map(row))
}
