//! From a job's rows to sentences. Pure.

use serde::Serialize;

use super::{
    parked::left_behind,
    times::{moment, span},
};
use crate::{
    job::{BatchState, JobState, Mark, Time, Workflow, counted},
    store::{Around, JobReport},
};

/// One job in sentences.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Explanation {
    /// Which job.
    pub job_key: String,
    /// Where it stands.
    pub stands: Vec<String>,
    /// What it waits for, and since when.
    pub waits_for: Vec<String>,
    /// What happens next, and when.
    pub next: Vec<String>,
    /// What a person could do.
    pub you_can: Vec<String>,
}

/// Explains a job as it stood when it was read.
pub fn explain(job: &JobReport, around: &Around, now: Time) -> Explanation {
    let mut said = Explanation { job_key: job.line.job_key.clone(), ..Explanation::default() };
    said.stands = stands(job, around, now);
    match job.line.state {
        JobState::Succeeded | JobState::Failed | JobState::Cancelled => finished(job, around, now, &mut said),
        JobState::Held => held(job, around, now, &mut said),
        _ => open(job, around, now, &mut said),
    }
    if !job.line.state.is_final() {
        left_behind(job, around, now, &mut said);
    }
    let goes_on = job.line.state.is_moving() || around.recheck_at.is_some();
    if let Some(why) = around.unattended.filter(|_| goes_on) {
        said.next.insert(0, sentence(why));
    }
    said
}

/// What is said elsewhere, as a sentence.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| format!("{}{}.", first.to_uppercase(), letters.as_str())).unwrap_or_default()
}

fn stands(job: &JobReport, around: &Around, now: Time) -> Vec<String> {
    let line = &job.line;
    let does = match line.workflow {
        Workflow::Offboard => "offboards",
        Workflow::Onboard => "onboards",
        Workflow::Update => "updates",
    };
    let who = line.user_identity_key.as_ref().or(line.email_address.as_ref()).or(line.user_identity_id.as_ref());
    let who = who.map_or("a person", String::as_str);
    let mut all = vec![format!(
        "{} {does} {who}; accepted {} from {} line {}.",
        line.job_key,
        moment(line.accepted_at, now),
        job.file,
        job.file_line
    )];
    all.extend(around.recheck_of.as_ref().map(|old| format!("It looks after {old}, which was proven before.")));
    let total = line.proven + line.left_over;
    all.push(match (line.state, line.finished_at) {
        (JobState::Succeeded, Some(at)) => format!("It succeeded {}: {}.", moment(at, now), line.why),
        (JobState::Failed, Some(at)) => format!("It failed {}: {}.", moment(at, now), line.why),
        (JobState::Cancelled, Some(at)) => format!("It was ended {}: {}.", moment(at, now), line.why),
        (JobState::Held, _) => "It is held: nothing moves until a person decides.".to_owned(),
        (state, _) if total == 0 => format!("It is {state}; nothing was changed so far."),
        (state, _) => {
            let step = line.step.as_deref().map(|step| format!(", in step {step}")).unwrap_or_default();
            format!("It is {state}{step}: {} of {} proven.", line.proven, counted(total, "object"))
        }
    });
    all.extend(around.cut_at.map(|at| format!("Its doors were shut {}.", moment(at, now))));
    if line.not_cut > 0 {
        all.push(format!(
            "Its doors were to be shut first; {} could not be.",
            counted(line.not_cut as usize, "object")
        ));
    }
    if let Some(deadline) = line.deadline {
        let at = line.finished_at.unwrap_or(now);
        let away = deadline.since(at);
        all.extend(match (line.finished_at, away >= 0) {
            // What somebody ended met nothing.
            (Some(_), _) if line.state != JobState::Succeeded => None,
            (None, true) => Some(format!("Its deadline is {}.", moment(deadline, now))),
            (None, false) => {
                Some(format!("It is OVERDUE by {}: the deadline was {}.", span(away), moment(deadline, now)))
            }
            (Some(_), true) => Some("It met its deadline.".to_owned()),
            (Some(_), false) => Some(format!("It missed its deadline by {}.", span(away))),
        });
    }
    let kept = "its objects with their proofs and what operators did are kept";
    all.extend(line.pruned_at.map(|at| format!("Its details were removed {}; {kept}.", moment(at, now))));
    let kept = "by whom and why is told no more; a certificate of it stays as it was";
    all.extend(line.scrubbed_at.map(|at| format!("Its personal data was scrubbed {}: {kept}.", moment(at, now))));
    all.extend(around.alarm.as_ref().map(|alarm| format!("ALARM {alarm}.")));
    all
}

fn finished(job: &JobReport, around: &Around, now: Time, said: &mut Explanation) {
    let line = &job.line;
    let key = &line.job_key;
    let left = job.targets.iter().filter(|target| target.mark != Mark::Proven).count();
    match line.state {
        JobState::Succeeded => {
            said.next.push(after_care(job, around, now));
            said.you_can.push(format!("read every proof: `backstitch show {key}`"));
            if around.recheck_at.is_some() && around.back_by.is_none() {
                said.you_can.push(format!("or have the person looked at again now: `backstitch recheck {key}`"));
            }
        }
        JobState::Failed => {
            said.next.push("Nothing; it has ended.".to_owned());
            said.you_can.push(format!("mend what it says and let it try anew: `backstitch retry {key}`"));
            said.you_can.push("or order anew under another job_key".to_owned());
        }
        _ if line.workflow == Workflow::Offboard && line.begun_at.is_some() && left > 0 => {
            said.next.push(format!(
                "Nothing, although {} may still open doors (view access_left).",
                counted(left, "object")
            ));
            said.you_can.push("order the offboarding anew under another job_key; it takes what is left".to_owned());
        }
        _ => said.next.push("Nothing; it has ended.".to_owned()),
    }
}

/// What follows once all is proven.
fn after_care(job: &JobReport, around: &Around, now: Time) -> String {
    if job.line.workflow != Workflow::Offboard || around.recheck_of.is_some() {
        return "Nothing; it has ended.".to_owned();
    }
    let looks = around.looks.unwrap_or_default();
    match (&around.back_by, around.recheck_at, around.looks) {
        (Some(by), ..) => format!(
            "Nothing: job {by} brought the person back, so after-care has ended after {}.",
            counted(looks, "look")
        ),
        (_, Some(at), _) => {
            format!("The person is looked at again {}; {} so far.", moment(at, now), counted(looks, "such look"))
        }
        (.., Some(_)) => format!("Nothing: after-care has ended after {}.", counted(looks, "look")),
        (.., None) if job.identity.is_none() => {
            "Nothing: it found nobody, so there is nobody to look after.".to_owned()
        }
        (.., None) => {
            "Nothing: there was no after-care when it ended (`aftercare.for_days` in the settings).".to_owned()
        }
    }
}

fn held(job: &JobReport, around: &Around, now: Time, said: &mut Explanation) {
    let line = &job.line;
    let key = &line.job_key;
    let since = job.waiting.as_ref().map_or(line.accepted_at, |waiting| waiting.since);
    if let Some(batch) = around.batch.as_ref().filter(|batch| batch.state == BatchState::Held) {
        said.waits_for.push(format!(
            "an approval of its whole batch {}, since {}: {}",
            batch.id,
            moment(since, now),
            batch.why
        ));
        said.next.push("Nothing, until somebody approves or rejects the batch.".to_owned());
        said.you_can.push(format!("approve it: `backstitch approve {} --reason TEXT`", batch.id));
        said.you_can.push(format!("or reject it: `backstitch reject {} --reason TEXT`", batch.id));
        return;
    }
    if let Some(batch) = around.batch.as_ref().filter(|batch| batch.state == BatchState::Gathering) {
        said.waits_for.push(format!("the rest of its file, since {} (batch {})", moment(since, now), batch.id));
        said.next.push("It is judged with its whole file once that is read.".to_owned());
        return;
    }
    said.waits_for.push(format!("a person, since {}: {}", moment(since, now), line.why));
    said.next.push("Nothing, until somebody acts.".to_owned());
    said.you_can
        .push(format!("do what the reason says, then `backstitch release {key}`: it looks again at what held it"));
    said.you_can.push(format!("or end it: `backstitch cancel {key} --reason TEXT`"));
}

fn open(job: &JobReport, around: &Around, now: Time, said: &mut Explanation) {
    let line = &job.line;
    let key = &line.job_key;
    let waiting = job.waiting.as_ref();
    let since = waiting.map_or(line.accepted_at, |waiting| waiting.since);
    let later = line.not_before.filter(|at| *at > now && line.begun_at.is_none());
    let other = waiting.and_then(|waiting| waiting.waits_for_job.clone());
    if let Some(why) = &around.halted {
        said.waits_for.push(format!("the whole engine, which is paused: {why}"));
        let (next, you_can) = if why.contains("--paused") {
            ("Nothing, until the daemon is started without --paused.", "stop it, and start it without --paused")
        } else {
            (
                "The engine looks again by itself, each minute, whether it may go on; no try is counted meanwhile.",
                "remove what pauses it: `backstitch doctor` tells what is wrong with key, workspace or network",
            )
        };
        said.next.push(next.to_owned());
        said.you_can.push(you_can.to_owned());
        return;
    }
    match (line.state, later, other) {
        (_, Some(at), _) => {
            said.waits_for.push(format!("its time: not before {}", moment(at, now)));
            said.next.push(format!("It begins {}.", moment(at, now)));
            return said.you_can.push(format!("order it anew without `not_before` if it cannot wait, and cancel this one: `backstitch cancel {key} --reason TEXT`"));
        }
        (_, _, Some(other)) => {
            said.waits_for.push(format!("job {other}, which is about the same person, since {}", moment(since, now)));
            said.next.push(format!("It goes on at once when {other} has ended."));
            return said.you_can.push(format!("see what keeps the other one: `backstitch explain {other}`"));
        }
        (JobState::Ready, ..) if around.ahead > 0 => {
            let ahead = counted(around.ahead, "job");
            said.waits_for
                .push(format!("a place on the wire, behind {ahead} (revocations first, then urgency, then age)"));
            said.next.push("It moves as soon as those before it leave room.".to_owned());
        }
        (JobState::Ready, ..) => {
            said.waits_for.push("a place on the wire; it is the next".to_owned());
            said.next.push("It moves at once while the daemon runs.".to_owned());
        }
        (JobState::Running, ..) => {
            said.waits_for.push(format!("Seam's answer to what was asked, since {}", moment(since, now)));
            said.next.push(
                "It goes on with the answer, or takes the outcome for unknown when the time-out is over.".to_owned(),
            );
        }
        _ => {
            // What is parked is told by object below.
            if !line.why.starts_with("parked as") {
                said.waits_for.push(format!("its next look, since {}: {}", moment(since, now), line.why));
            }
            said.next.extend(
                line.next_look.map(|at| format!("It looks again {}, or at once when an event tells.", moment(at, now))),
            );
            said.you_can.push(format!("let it look again now: `backstitch retry {key}`"));
        }
    }
    said.waits_for.extend(line.last_error.as_ref().map(|error| format!("and the last thing that went wrong: {error}")));
}
