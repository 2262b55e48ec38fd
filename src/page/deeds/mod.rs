//! What people do on the page: first a page that shows what it would be done to, then the deed, with who and why.

mod set;
mod words;

use std::sync::Arc;

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{
    Site,
    answer::{Trouble, page},
    door::{Viewer, from_here},
    show::encoded,
    view::View,
};
use crate::{
    job::{Action, JobState, counted},
    operator::{self, OperatorError, Order, Outcome},
    store::{Decided, Decision, Deed, JobRef, JobsFilter, Operator, Skip, Verb},
};
use set::Shown;
use words::{meaning, verb};

/// The longest reason, in letters.
const REASON: usize = 500;

/// A link that looks like a button: it leads to the page that asks.
#[derive(Clone, Debug)]
pub(super) struct Button {
    pub href: String,
    pub verb: &'static str,
    /// It ends something.
    pub ends: bool,
}

impl Button {
    /// To the page that asks about it; `what` is the rest of its address.
    pub fn new(v: &View, action: Action, what: &str) -> Button {
        Button {
            href: v.link(&format!("/do/{action}?{what}")),
            verb: verb(action),
            ends: matches!(action, Action::Reject | Action::Cancel | Action::Skip),
        }
    }

    /// For a batch that waits for somebody's word; none for nobody.
    pub fn of_batch(v: &View, batch: i64) -> Vec<Button> {
        let button = |action| Button::new(v, action, &format!("batch={batch}"));
        v.viewer.iter().flat_map(|_| [Action::Approve, Action::Reject].map(button)).collect()
    }

    /// For a job: what applies to it as it stands, `batch` being its batch, if that waits for a word.
    pub fn of_job(v: &View, line: &crate::store::JobLine, batch: Option<i64>) -> Vec<Button> {
        if v.viewer.is_none() {
            return Vec::new();
        }
        let applies = |deed: &Deed| deed.refusal(line.state, line.workflow, line.begun_at.is_some(), batch).is_none();
        let deeds = [Deed::Release, Deed::Retry, Deed::Hold, Deed::Cancel { force: true }].into_iter().filter(applies);
        let own = deeds.map(|deed| Button::new(v, deed.action(), &format!("job={}", line.id)));
        batch.map(|batch| Button::of_batch(v, batch)).unwrap_or_default().into_iter().chain(own).collect()
    }
}

/// For all jobs of a filter, where it is one that a deed takes: a single state, a person or a batch.
pub(super) fn of_filter(v: &View, filter: &JobsFilter) -> Vec<Button> {
    let state = match filter.states.as_slice() {
        [one] => Some(*one),
        _ => None,
    };
    let is_narrow = state.is_some() || filter.person.is_some() || filter.batch.is_some();
    if v.viewer.is_none()
        || !is_narrow
        || filter.overdue
        || state.is_some_and(|state| matches!(state, JobState::Succeeded | JobState::Cancelled))
    {
        return Vec::new();
    }
    let asked = |name: &'static str| v.all(name).last().map(|value| format!("{name}={}", encoded(value)));
    let mut parts: Vec<String> = ["workflow", "person", "batch"].into_iter().filter_map(asked).collect();
    parts.extend(state.map(|state| format!("state={state}")));
    [Action::Release, Action::Retry, Action::Hold, Action::Cancel]
        .map(|action| Button::new(v, action, &parts.join("&")))
        .into()
}

#[derive(Template)]
#[template(path = "confirm.html", config = "src/page/askama.toml")]
struct Confirm {
    v: View,
    action: Action,
    title: String,
    meaning: &'static str,
    shown: Shown,
    csrf: String,
    most: usize,
}

#[derive(Template)]
#[template(path = "done.html", config = "src/page/askama.toml")]
struct Done {
    v: View,
    title: String,
    lines: Vec<(bool, String, Option<String>)>,
    back: String,
    is_done: bool,
}

/// A form as it came.
pub(super) type Sent = Result<Form<Vec<(String, String)>>, axum::extract::rejection::FormRejection>;

/// What a form said.
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Whatever is no form is refused in our own words.
    pub fn sent(form: Sent) -> Result<Fields, Trouble> {
        let Ok(Form(fields)) = form else { return Err(Trouble::Form("The form cannot be read.".to_owned())) };
        Ok(Fields(fields))
    }

    /// The first of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn number(&self, name: &str) -> Result<i64, Trouble> {
        let found = self.get(name).and_then(|value| value.parse().ok());
        found.ok_or_else(|| Trouble::Form(format!("The form names no `{name}`, or none that is a number.")))
    }
}

fn action(name: &str) -> Result<Action, Trouble> {
    name.parse().map_err(|why| Trouble::Nothing(format!("There is nothing like that to be done: {why}.")))
}

/// Whoever asks, if something can be done here and they are somebody.
fn somebody(site: &Site, v: &View) -> Result<Viewer, Trouble> {
    if !site.door.open {
        return Err(Trouble::off());
    }
    let nobody = || Trouble::Refused("Nobody knows who you are, so nothing can be done.".to_owned());
    v.viewer.clone().ok_or_else(nobody)
}

/// Shows what it would be done to, and does nothing.
pub(super) async fn confirm(
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
    mut v: View,
) -> Result<Response, Trouble> {
    let action = action(&name)?;
    if let (true, Some(href)) = (site.door.open, v.sign_in()) {
        return Ok((StatusCode::SEE_OTHER, [(header::LOCATION, href)]).into_response());
    }
    let viewer = somebody(&site, &v)?;
    let shown = Shown::read(&site, &v, action).await?;
    let title = shown.title(action);
    v.title.clone_from(&title);
    page(&Confirm { action, title, meaning: meaning(action), shown, csrf: viewer.csrf, most: REASON, v })
}

/// Does it, for somebody, from a page of ours, with a reason.
pub(super) async fn carry_out(
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    mut v: View,
    form: Sent,
) -> Result<Response, Trouble> {
    let action = action(&name)?;
    let viewer = somebody(&site, &v)?;
    from_here(&headers)?;
    let fields = Fields::sent(form)?;
    if !site.door.is_ours(&viewer, fields.get("csrf").unwrap_or_default()) {
        return Err(Trouble::Refused(
            "This did not come from the page that asks, or from one of an earlier session, so nothing was done."
                .to_owned(),
        ));
    }
    let order = order(action, &viewer, &fields)?;
    let batch = fields.get("batch").map(str::to_owned);
    v.keep_showing(fields.get("show"));
    let outcome = with_hands(&site, order).await?;
    site.live.tell();
    let lines = lines(&v, action, &outcome, batch.as_deref());
    let is_done = lines.iter().any(|(done, ..)| *done);
    v.title = if is_done { format!("Done: {}", action.done()) } else { format!("Not {}", action.done()) };
    let back = v.link(&batch.map_or("/".to_owned(), |batch| format!("/jobs?state=all&batch={}", encoded(&batch))));
    let status = if is_done { StatusCode::OK } else { StatusCode::CONFLICT };
    Ok((status, page(&Done { title: v.title.clone(), lines, back, is_done, v })?).into_response())
}

/// Once begun it goes to its end, whether somebody still waits for the answer or not; and one at a time, so that the engine's turn comes.
async fn with_hands(site: &Arc<Site>, order: Order) -> Result<Outcome, Trouble> {
    let site = site.clone();
    let done = tokio::spawn(async move {
        let _one = site.hands.lock().await;
        operator::carry_out(site.readers.path(), &order, operator::From::Daemon).await
    });
    match done.await {
        Ok(Ok(outcome)) => Ok(outcome),
        Ok(Err(error @ OperatorError::Commit(_))) => Err(Trouble::Undone { certain: false, why: error.to_string() }),
        Ok(Err(error)) => Err(Trouble::Undone { certain: true, why: error.to_string() }),
        Err(error) => Err(Trouble::Undone { certain: false, why: error.to_string() }),
    }
}

fn order(action: Action, viewer: &Viewer, fields: &Fields) -> Result<Order, Trouble> {
    let reason = fields.get("reason").unwrap_or_default().trim().to_owned();
    if reason.is_empty() || reason.chars().count() > REASON || reason.chars().any(char::is_control) {
        return Err(Trouble::Form(format!(
            "Say why, in words: a reason of one line, {REASON} letters at most, belongs to it."
        )));
    }
    let actor = viewer.actor.clone();
    if let Some(deed) = Deed::of(action, fields.get("force") == Some("yes")) {
        return jobs(deed, actor, reason, fields);
    }
    let shown = fields.get("hash").unwrap_or_default().to_owned();
    let verb = match action {
        Action::Approve => Verb::Approve { hash: shown, plan_hash: None },
        Action::Reject => Verb::Reject { hash: Some(shown) },
        Action::Skip => {
            let object_id = fields.get("object").unwrap_or_default().to_owned();
            return Ok(Order::Object(Skip { actor, reason, job: JobRef::Id(fields.number("job")?), object_id }));
        }
        _ => return Err(Trouble::Nothing(format!("Nothing is known of how to {action}."))),
    };
    Ok(Order::Batch(Decision { batch: fields.number("batch")?, verb, actor, reason }))
}

/// Those that were shown, whatever else matches by now.
fn jobs(deed: Deed, actor: String, reason: String, fields: &Fields) -> Result<Order, Trouble> {
    let ids = fields.get("jobs").unwrap_or_default().split(',').map(|id| id.parse().map(JobRef::Id));
    let jobs = ids.collect::<Result<_, _>>().map_err(|_| Trouble::Form("The form names no jobs.".to_owned()))?;
    Ok(Order::Jobs(Operator { actor, deed, reason, jobs }))
}

/// What became of each, and where it is shown.
fn lines(v: &View, action: Action, outcome: &Outcome, batch: Option<&str>) -> Vec<(bool, String, Option<String>)> {
    let done = action.done();
    match outcome {
        Outcome::Batch(decided) => {
            let batch = batch.unwrap_or_default();
            vec![match decided {
                Decided::Done(jobs) => (true, format!("Batch {batch}: {done}, {}.", counted(*jobs, "job")), None),
                Decided::Before(why) => (false, format!("Batch {batch}: nothing was done: {why}."), None),
                Decided::Refused(why) => (false, format!("Batch {batch} is not {done}: {why}."), None),
            }]
        }
        Outcome::Jobs(picked) => {
            let line = |one: &crate::store::Picked| {
                let key = v.veil.text(&one.job_key);
                let path = Some(super::show::job_path(&v.veil, &one.job_key, 0))
                    .filter(|path| !path.starts_with("/job-number/"));
                let words = match &one.refused {
                    None => format!("{key}: {done}."),
                    Some(why) => format!("{key}: not {done}: {why}."),
                };
                (one.refused.is_none(), words, path.map(|path| v.link(&path)))
            };
            picked.iter().map(line).collect()
        }
    }
}
