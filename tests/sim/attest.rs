//! What is attested must be so: the chain of certificates against the rows, and the tombstones.

use backstitch::job::certificate::{Chain, Sealed};
use serde_json::Value;

use crate::{checks, rig::Rig};

/// Every offboarding that ended proven, or after its person was found, has its one sealed certificate, in the order of their ends,
/// and each says of every object what the rows say.
pub async fn at_the_end(rig: &mut Rig) {
    for (what, sql) in QUESTIONS {
        let found = checks::strings(rig, sql).await;
        rig.violations.extend(found.into_iter().map(|text| format!("{what}: {text}")));
    }
    let rows = "SELECT sha256 || char(10) || previous_sha256 || char(10) || body_json FROM certificates ORDER BY id";
    let mut chain = Chain::default();
    for row in checks::strings(rig, rows).await {
        let [sha256, previous, body] = row.splitn(3, '\n').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap();
        let sealed = Sealed::of(body.clone(), previous, sha256);
        let line = sealed.clone().unwrap().line();
        if Sealed::read(&line) != sealed {
            rig.violations.push(format!("a certificate is not in canonical JSON: {line}"));
        }
        chain.take("row", sealed);
        let faults = honest(&serde_json::from_str(&body).unwrap());
        rig.violations.extend(faults.into_iter().map(|fault| format!("certificate: {fault}: {body}")));
    }
    rig.violations.extend(chain.end().into_iter().map(|one| format!("certificates: {one:?}")));
}

/// What a certificate says of itself.
fn honest(body: &Value) -> Vec<&'static str> {
    let objects = body["inventory"]["objects"].as_array().unwrap();
    // Who may open a device is told by lists only, while the identity lives.
    let by_list = |one: &Value| one["kind"] == "device" || one["kind"] == "acs_entrance";
    let two_proofs = |one: &Value| by_list(one) || one["proofs"].as_array().unwrap().len() == 2;
    let sweeps = &body["sweeps"]["after_its_end"];
    let faults = match body["verdict"].as_str().unwrap() {
        "proven" => vec![
            (body["residue"] != serde_json::json!([]), "proven, and something is left"),
            (!objects.iter().all(two_proofs), "proven without two proofs of each object"),
            (objects.is_empty() || sweeps.as_array().unwrap().is_empty(), "proven without objects or looks"),
            (body["clock"]["verified_at"] != body["clock"]["ended_at"], "proven at another time than its end"),
        ],
        "absent" => vec![(!objects.is_empty(), "absent, with objects")],
        _ => vec![(!body["clock"]["verified_at"].is_null(), "ended by an operator, and verified")],
    };
    faults.into_iter().filter_map(|(wrong, what)| wrong.then_some(what)).collect()
}

const QUESTIONS: &[(&str, &str)] = &[
    ("an ended offboarding without its certificate, or the other way round",
     "SELECT j.job_key FROM jobs j WHERE EXISTS (SELECT 1 FROM certificates c WHERE c.job_id = j.id) <> (j.workflow = 'offboard' AND (j.recheck_of IS NULL OR j.begun_at IS NOT NULL)
        AND (j.state = 'succeeded' OR j.state = 'cancelled' AND (j.begun_at IS NOT NULL OR j.identity_json IS NOT NULL)))"),
    ("a certificate of other objects than the job's, or of another end",
     "SELECT j.job_key FROM certificates c JOIN jobs j ON j.id = c.job_id WHERE c.issued_at <> j.finished_at
        OR json_array_length(c.body_json, '$.inventory.objects') <> (SELECT count(*) FROM targets t WHERE t.job_id = j.id)
        OR json_array_length(c.body_json, '$.residue') <> (SELECT count(*) FROM targets t WHERE t.job_id = j.id AND t.mark <> 'proven')
        OR (c.body_json ->> '$.verdict' = 'proven') <> (j.state = 'succeeded' AND j.identity_json IS NOT NULL)
        OR c.body_json ->> '$.order.job_key' <> j.job_key"),
    ("a certificate that names its person in other words than Seam's id",
     "SELECT j.job_key || ' ' || l.value FROM certificates c JOIN jobs j ON j.id = c.job_id,
        json_each(json_array(j.identity_json ->> '$.email_address', j.identity_json ->> '$.phone_number', j.identity_json ->> '$.full_name')) l
      WHERE l.value IS NOT NULL AND instr(c.body_json, l.value) > 0"),
    ("a proven offboarding without tombstones, or tombstones of another job",
     "SELECT j.job_key FROM jobs j WHERE EXISTS (SELECT 1 FROM tombstones t WHERE t.job_id = j.id) <> (j.workflow = 'offboard' AND j.recheck_of IS NULL AND j.state = 'succeeded')
        OR j.workflow = 'offboard' AND j.recheck_of IS NULL AND j.state = 'succeeded' AND j.user_identity_id IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM tombstones t WHERE t.job_id = j.id AND t.value = j.user_identity_id)"),
    ("a re-hire changed something before the offboarding that it follows was proven, unless a person said so",
     "SELECT r.job_key FROM jobs r JOIN jobs e ON e.id = r.rehire_of WHERE r.begun_at IS NOT NULL
        AND (e.finished_at IS NULL OR e.state <> 'succeeded') AND NOT EXISTS (SELECT 1 FROM history h WHERE h.job_id = r.id AND h.what = 'released')"),
    ("somebody who left came back unsaid",
     "SELECT o.job_key FROM jobs o JOIN intake_rows i ON i.job_key = o.job_key AND i.fate = 'held' WHERE o.begun_at IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM history h WHERE h.job_id = o.id AND h.what = 'released')"),
];
