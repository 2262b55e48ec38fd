//! The demonstration as something to look at: people come and go for some minutes, and now and then something goes wrong.

use std::{io::Write, path::Path, time::Duration};

use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::{Seam, cast, lock};
use crate::{
    cli::{Exit, Failure, out},
    clock,
    config::{Settings, Span},
    job::{JobState, Ms, Workflow, counted},
    sandbox::{self, Person, World},
    store::JobList,
};

/// So many times faster than in real life: what takes minutes there takes seconds here, and can be followed.
pub(super) const FASTER: u64 = 20;
/// Between two things that happen.
const BEAT: Duration = Duration::from_secs(4);
/// People whom a file may order out at once, or within two minutes, without anybody's word.
const BRAKE: u32 = 16;

/// What happens, one after the other and then from the beginning.
#[derive(Clone, Copy)]
enum Scene {
    /// Somebody comes.
    Newcomer,
    /// Somebody leaves.
    Leaver,
    /// Somebody leaves in disgrace: doors first.
    Urgent,
    /// Somebody leaves, the identity first.
    Cascade,
    /// A file that orders more people out than anybody would.
    Mass,
    /// Somebody is ordered out whom nobody knows.
    Stranger,
    /// An access system goes offline, and somebody leaves who has a key there.
    Offline,
    /// It comes back.
    Online,
    /// A row that makes no sense.
    Slip,
}

const SCENES: [Scene; 18] = [
    Scene::Leaver,
    Scene::Newcomer,
    Scene::Urgent,
    Scene::Mass,
    Scene::Newcomer,
    Scene::Offline,
    Scene::Leaver,
    Scene::Stranger,
    Scene::Cascade,
    Scene::Newcomer,
    Scene::Slip,
    Scene::Leaver,
    Scene::Urgent,
    Scene::Newcomer,
    Scene::Online,
    Scene::Leaver,
    Scene::Newcomer,
    Scene::Leaver,
];

/// Access systems that take about as long as real ones.
pub(super) fn pace() -> sandbox::Settings {
    sandbox::Settings {
        delete_delay_ms: (100, 1_500),
        create_delay_ms: (100, 800),
        event_delay_ms: (20, 600),
        ..sandbox::Settings::default()
    }
}

/// A page where something can be done, and a brake for a small company.
pub(super) fn prepare(settings: &mut Settings, address: std::net::SocketAddr) {
    settings.listen.address = crate::config::ListenAddress::Tcp(address);
    (settings.page.enabled, settings.page.actions) = (true, true);
    (settings.brake.max_offboards, settings.brake.floor, settings.brake.max_share) = (BRAKE, BRAKE, 1.0);
    settings.brake.max_urgent = 1_000;
    settings.brake.window_s = Span::from_s(120.0);
    // Deadlines in minutes, so that their bars move.
    settings.offboard.deadline_s = crate::config::Delay::from_s(180.0);
}

/// Tells where the page is, and keeps the sandbox busy behind it until its time is over or somebody ends it.
///
/// # Errors
/// Nobody listens, or an order cannot be written.
pub(super) async fn show(
    at: oneshot::Receiver<String>,
    invitation: &str,
    minutes: u32,
    (seam, file): (&Seam, &Path),
    over: [&CancellationToken; 2],
) -> Result<(), Failure> {
    let nobody = |_| Failure::new(Exit::Io, "the page cannot be shown: its address is taken, or may not be used");
    let at = at.await.map_err(|gone| nobody(gone).hint("name another one with --listen"))?;
    out::line(format_args!(
        "The page:   {at}/\nTo act on it, once:   {at}/login?once={invitation}\nIt ends after {}, or with Ctrl-C.",
        counted(minutes, "minute")
    ))?;
    Company::new(seam, file.parent().unwrap_or(file)).keep_busy(minutes, over).await
}

/// Keeps the sandbox busy until its time is over or somebody ends it.
struct Company<'a> {
    seam: &'a Seam,
    /// Where orders are put.
    folder: &'a Path,
    hired: usize,
    files: usize,
}

impl<'a> Company<'a> {
    fn new(seam: &'a Seam, folder: &'a Path) -> Company<'a> {
        Company { seam, folder, hired: 0, files: 0 }
    }

    /// Something happens every few seconds.
    ///
    /// # Errors
    /// An order cannot be written.
    async fn keep_busy(&mut self, minutes: u32, over: [&CancellationToken; 2]) -> Result<(), Failure> {
        let end_ms = clock::now().mono_ms + Ms::from(minutes) * 60_000;
        let mut beat = tokio::time::interval(BEAT);
        for scene in SCENES.iter().cycle() {
            tokio::select! {
                _ = beat.tick() => {}
                () = over[0].cancelled() => return Ok(()),
                () = over[1].cancelled() => return Ok(()),
            }
            if clock::now().mono_ms >= end_ms {
                return Ok(());
            }
            self.play(*scene)?;
        }
        Ok(())
    }

    fn play(&mut self, scene: Scene) -> Result<(), Failure> {
        let leaver = |(name, key): (String, String)| json!({ "workflow": "offboard", "user_identity_key": key, "full_name": name, "reason": "contract ended" });
        match scene {
            Scene::Newcomer => {
                let rows = [self.newcomer(), self.newcomer()];
                self.order("arrivals", &rows)
            }
            Scene::Leaver => {
                let who = self.hire();
                self.order("leavers", &[leaver(who)])
            }
            Scene::Urgent => {
                let mut row = leaver(self.hire());
                (row["priority"], row["cut_first"], row["reason"]) = (json!("urgent"), json!(true), json!("dismissed"));
                self.order("urgent", &[row])
            }
            Scene::Cascade => {
                let mut row = leaver(self.hire());
                row["mode"] = json!("cascade");
                self.order("leavers", &[row])
            }
            Scene::Mass => {
                let rows: Vec<Value> = (0..BRAKE + 2).map(|_| leaver(self.hire())).collect();
                self.order("lyon", &rows)
            }
            Scene::Stranger => {
                let row = json!({ "workflow": "offboard", "email_address": "kim.unknown@example.com", "full_name": "Kim Unknown",
                    "reason": "left last week" });
                self.order("leavers", &[row])
            }
            Scene::Offline => {
                let who = self.hire();
                let mut world = lock(self.seam);
                let first = world.acs_systems().into_iter().next();
                world.faults_mut().disconnected.extend(first);
                drop(world);
                self.order("leavers", &[leaver(who)])
            }
            Scene::Online => {
                lock(self.seam).faults_mut().disconnected.clear();
                Ok(())
            }
            Scene::Slip => {
                self.order("slip", &[json!({ "workflow": "offbord", "email_address": "jean at example.com" })])
            }
        }
    }

    fn names(&self) -> (String, String) {
        (cast::name(self.hired), format!("emp-{}", 3_001 + self.hired))
    }

    /// Somebody who works here and has what people have; gives their name and key.
    fn hire(&mut self) -> (String, String) {
        let (name, key) = self.names();
        self.hired += 1;
        let (email, phone) = (format!("{key}@example.com"), format!("+1555{:07}", 3_000_000 + self.hired));
        let person = Person { key: Some(&key), email: Some(&email), phone: Some(&phone), name: Some(&name) };
        let mut world = lock(self.seam);
        world.advance(clock::now().wall.0);
        cast::furnish(&mut world, &person, self.hired);
        drop(world);
        (name, key)
    }

    /// Somebody who is known to one access system, and to be linked.
    fn newcomer(&mut self) -> Value {
        let (name, key) = self.names();
        self.hired += 1;
        let email = format!("{key}@example.com");
        let person = Person { key: None, email: Some(&email), phone: None, name: Some(&name) };
        let mut world = lock(self.seam);
        world.advance(clock::now().wall.0);
        let systems = world.acs_systems();
        world.add_acs_user(&systems[self.hired % systems.len()], None, &person);
        json!({ "workflow": "onboard", "user_identity_key": key, "full_name": name, "email_address": email,
            "acs_users": [{ "email_address": email }] })
    }

    /// A file of orders, with a key for each.
    fn order(&mut self, name: &str, rows: &[Value]) -> Result<(), Failure> {
        self.files += 1;
        let (name, file) =
            (format!("{name}-{:02}", self.files), self.folder.join(format!("{name}-{:02}.jsonl", self.files)));
        let draft = file.with_extension("tmp");
        let keyed = |(nth, row): (usize, &Value)| {
            let mut row = row.clone();
            row["job_key"] = json!(if rows.len() == 1 { name.clone() } else { format!("{name}-{:02}", nth + 1) });
            format!("{row}\n")
        };
        let text: String = rows.iter().enumerate().map(keyed).collect();
        let written = std::fs::File::create(&draft).and_then(|mut to| to.write_all(text.as_bytes()));
        written
            .and_then(|()| std::fs::rename(&draft, &file))
            .map_err(|error| Failure::new(Exit::Io, format!("{} cannot be written: {error}", file.display())))
    }
}

/// What came of it all; done if Seam really holds nothing of anybody who is proven gone.
pub(super) fn tell(list: &JobList, world: &World, database: &Path) -> Result<Exit, Failure> {
    let proven = list.jobs.iter().filter(|job| job.workflow == Workflow::Offboard && job.state == JobState::Succeeded);
    let ids: Vec<&str> = proven.filter_map(|job| job.user_identity_id.as_deref()).collect();
    let still = |id: &&&str| {
        let truth = world.person(id);
        truth.alive || !truth.belongings.is_empty()
    };
    let wrong = ids.iter().filter(still).count();
    let states: Vec<String> = list.counts.iter().map(|(state, many)| format!("{many} {state}")).collect();
    let faults = world.ledger().iter().filter(|entry| entry.fault.is_some()).count();
    out::line(format_args!(
        "{}: {}. {} requests, {faults} of them met a fault.\nLooked up in the simulated Seam itself: of {} proven gone {}.",
        counted(list.counts.iter().map(|(_, many)| many).sum::<u32>(), "job"),
        states.join(", "),
        world.ledger().len(),
        counted(ids.len(), "leaver"),
        if wrong == 0 { "nothing is left".to_owned() } else { format!("{wrong} still have something") },
    ))?;
    out::line(format_args!("The database is kept: {}", database.display()))?;
    Ok(if wrong == 0 { Exit::Done } else { Exit::Failures })
}
