//! P14 over the years: databases as a release left them, one for each step of each workflow with its request on the wire, and each is
//! taken on to its end. `RECORD=1 cargo test --test sim fixtures` records those of the present schema as `tests/fixtures/schema-N`; what
//! an older release recorded is never recorded again. `ALL=1` takes every file on, not every second one.
//!
//! A fixture tells beside its rows what the world was: who was there, and what was done to it. Ids are the world's to choose, so those of
//! the fixture are replaced by those of the world that is made anew.

use std::{fs, path::PathBuf};

use backstitch::{
    job::{AcsLink, Mode, Person, Row, Unlisted},
    sandbox::{Kind, Person as ScenePerson, Request, World},
    store::MIGRATOR,
};
use serde_json::Value;
use sqlx::AssertSqlSafe;

use crate::{
    checks,
    histories::block_on,
    orders::{by_key, off, on, update, with},
    rig::Rig,
    scenes::{HOUR, Scene, changes, ends, rig, scene},
};

/// Whose step is recorded, and how the orders read.
const CASTS: [(&str, &str); 4] =
    [("ordered", "proven"), ("cascade", "proven"), ("onboard", "proven"), ("update", "is as ordered")];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// The scene with a free ACS user, and the order of this name.
fn cast(name: &str) -> (Scene, String, Row) {
    let mut scene = scene();
    let second = scene.world.acs_systems()[1].clone();
    let free = ScenePerson { email: Some("ann@example.com"), ..ScenePerson::default() };
    let free = scene.world.add_acs_user(&second, None, &free);
    let row = match name {
        "ordered" => with(off("job", by_key("emp-1")), |order| order.cut_first = Some(true)),
        "cascade" => with(off("job", by_key("emp-1")), |order| order.mode = Some(Mode::Cascade)),
        "onboard" => {
            let link = AcsLink::Create {
                acs_system_id: second,
                full_name: "Newcomer".into(),
                email_address: Some("new@example.com".into()),
                phone_number: None,
            };
            with(on("job", by_key("new-1"), vec![link]), |order| order.full_name = Some("Newcomer".into()))
        }
        _ => with(update("job", by_key("emp-1"), vec![AcsLink::ById { acs_user_id: free.clone() }]), |order| {
            order.unlisted_acs_users = Some(Unlisted::Delete);
            order.person = Person { email_address: Some("ann.other@example.com".into()), ..order.person.clone() };
        }),
    };
    (scene, free, row)
}

/// What there is from the beginning, each with a word for what it is.
fn born(scene: &Scene, free: &str) -> Vec<(String, String)> {
    let world = &scene.world;
    let mut all =
        vec![("workspace".to_owned(), world.workspace_id().to_owned()), ("identity".to_owned(), scene.id.clone())];
    all.extend(world.person(&scene.id).belongings.into_iter().map(|it| (format!("{:?}", it.kind), it.id)));
    for system in world.acs_systems() {
        all.extend(world.entrances(&system).into_iter().map(|door| ("entrance".to_owned(), door)));
        all.push(("system".to_owned(), system));
    }
    all.push(("free".to_owned(), free.to_owned()));
    all
}

/// What the work itself made.
fn made(world: &World) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for id in world.identities("new-1") {
        let users = world.person(&id).belongings.into_iter().filter(|it| it.kind == Kind::AcsUser);
        all.extend(users.map(|it| ("user".to_owned(), it.id)));
        all.push(("newcomer".to_owned(), id));
    }
    all
}

/// One column of statements' answers, one below the other.
async fn lines(rig: &mut Rig, sql: String) -> Vec<String> {
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut rig.reader).await.unwrap()
}

const SCHEMA: &str = "SELECT sql || ';' FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'
    ORDER BY type = 'trigger', type = 'view', type = 'index', rowid";

const TABLES: &str = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name = 'person_locks', name";

/// The rows as statements, one for each table that has any. Locks come last: a trigger remembers them among the people.
async fn rows(rig: &mut Rig, wanted: fn(&str) -> bool) -> String {
    let mut text = String::new();
    for table in lines(rig, TABLES.to_owned()).await.iter().filter(|table| wanted(table)) {
        let names = lines(rig, format!("SELECT name FROM pragma_table_info('{table}')")).await;
        let values: Vec<String> = names.iter().map(|name| format!("quote({name})")).collect();
        let all = lines(rig, format!("SELECT '(' || {} || ')' FROM {table}", values.join(" || ',' || "))).await;
        if !all.is_empty() {
            text.push_str(&format!("INSERT INTO {table} ({}) VALUES\n{};\n", names.join(", "), all.join(",\n")));
        }
    }
    text
}

/// Runs a cast, and keeps the file whenever the first request of another step is on the wire.
async fn record(name: &str, into: &std::path::Path) {
    let (scene, free, row) = cast(name);
    let ids = born(&scene, &free);
    let mut rig = rig(scene).await;
    let schema = lines(&mut rig, SCHEMA.to_owned()).await.join("\n");
    let applied = rows(&mut rig, |table| table == "_sqlx_migrations").await;
    fs::write(into.join("schema.sql"), format!("{schema}\n{applied}")).unwrap();
    rig.submit(vec![row]);
    let mut seen: Vec<String> = Vec::new();
    while !rig.quiet().await || seen.is_empty() {
        rig.step().await;
        for step in checks::strings(&mut rig, "SELECT DISTINCT step FROM attempts WHERE ended_at IS NULL").await {
            if seen.contains(&step) {
                continue;
            }
            let mut text = format!("-- at {}\n", rig.now_ms);
            {
                let world = rig.world.lock().unwrap();
                let all = ids
                    .iter()
                    .map(|one| ("born", one.clone()))
                    .chain(made(&world).into_iter().map(|one| ("made", one)));
                text.extend(all.map(|(when, (word, id))| format!("-- {when} {word} {id}\n")));
                let good = world.ledger().iter().filter(|entry| entry.status == Some(200) && !reads(&entry.path));
                text.extend(good.map(|entry| format!("-- did {} {} {}\n", entry.at_ms, entry.path, entry.arguments)));
            }
            text.push_str(&rows(&mut rig, |table| table != "_sqlx_migrations").await);
            fs::write(into.join(format!("{name}-{:02}-{step}.sql", seen.len() + 1)), text).unwrap();
            seen.push(step);
        }
    }
    assert!(seen.len() >= 2, "{name}: {seen:?}");
}

fn reads(path: &str) -> bool {
    ["get", "list", "list_acs_users", "list_accessible_devices", "list_accessible_entrances"]
        .iter()
        .any(|end| path.ends_with(end))
}

/// Ids of the fixture, and what they are now.
#[derive(Default)]
struct Names(Vec<(String, String)>);

impl Names {
    /// Takes in what is there now, by word and order.
    fn learn(&mut self, told: &[(String, String)], now: Vec<(String, String)>) {
        for (word, new) in now {
            let known =
                |(old_word, old): &&(String, String)| *old_word == word && !self.0.iter().any(|(one, _)| one == old);
            if !self.0.iter().any(|(_, one)| *one == new)
                && let Some((_, old)) = told.iter().find(known)
            {
                self.0.push((old.clone(), new));
            }
        }
    }

    fn put(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (old, new)| text.replace(old, new))
    }
}

/// Takes one fixture on to its end.
async fn resume(schema: &str, name: &str, text: &str) {
    let (cast_name, says) = CASTS.into_iter().find(|(cast, _)| name.starts_with(cast)).unwrap();
    let (mut scene, free, _) = cast(cast_name);
    let head: Vec<Vec<&str>> =
        text.lines().filter_map(|line| line.strip_prefix("-- ")).map(|line| line.splitn(4, ' ').collect()).collect();
    let told = |when: &str| -> Vec<(String, String)> {
        head.iter().filter(|line| line[0] == when).map(|line| (line[1].to_owned(), line[2].to_owned())).collect()
    };
    let (old_born, old_made) = (told("born"), told("made"));
    let mut names = Names::default();
    names.learn(&old_born, born(&scene, &free));
    assert_eq!(names.0.len(), old_born.len(), "{name}: the scene is another one");
    let (key, mut done) = (scene.world.settings().api_key.clone(), 0);
    for line in head.iter().filter(|line| line[0] == "did") {
        let arguments: Value = serde_json::from_str(&names.put(line[3])).unwrap();
        scene.world.handle(line[1].parse().unwrap(), &Request::post(line[2], &key, &arguments));
        names.learn(&old_made, made(&scene.world));
        done += 1;
    }
    let now_ms = head.iter().find(|line| line[0] == "at").unwrap()[1].parse().unwrap();
    scene.world.advance(now_ms);
    names.learn(&old_made, made(&scene.world));
    assert_eq!(scene.world.ledger().len(), done, "{name}");
    let mut rig = rig(scene).await;
    rig.hand_made = (1..=done as u64).collect();
    let rows: String = text.lines().filter(|line| !line.starts_with("-- ")).collect::<Vec<_>>().join("\n");
    let (tables, triggers) = schema.split_once("CREATE TRIGGER").unwrap();
    rig.restore(&format!("{tables}\n{}\nCREATE TRIGGER{triggers}", names.put(&rows)), now_ms).await;
    let step = name.trim_end_matches(".sql").rsplit('-').next().unwrap();
    let recovered = checks::strings(&mut rig, "SELECT step FROM attempts WHERE ended_at IS NULL").await;
    assert!(recovered.iter().any(|at| at == step), "{name} was recorded at another step: {recovered:?}");
    assert!(rig.run_for(3 * HOUR).await, "{name}\n{}", rig.story.join("\n"));
    ends(&mut rig, "job", "succeeded", says).await;
    assert!(done + changes(&rig).len() > 0, "{name}: nothing was ever changed");
}

/// P14: whatever step a job was at when its release ended, this one brings it to its end.
#[test]
fn fixtures_of_every_release_are_taken_on_to_their_ends() {
    let newest = MIGRATOR.iter().map(|one| one.version).max().unwrap();
    let present = folder().join(format!("schema-{newest}"));
    if std::env::var_os("RECORD").is_some() {
        fs::create_dir_all(&present).unwrap();
        for (name, _) in CASTS {
            block_on(record(name, &present));
        }
    }
    // Every second one, unless asked for all of them.
    let all = ["ALL", "RECORD"].iter().any(|name| std::env::var_os(name).is_some());
    let mut resumed = 0;
    for release in fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()) {
        let schema = fs::read_to_string(release.join("schema.sql")).unwrap();
        let mut files: Vec<PathBuf> = fs::read_dir(&release).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let files = files.iter().filter(|file| !file.ends_with("schema.sql"));
        for (_, file) in files.enumerate().filter(|(at, _)| all || at % 2 == 0) {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            block_on(resume(&schema, &name, &fs::read_to_string(file).unwrap()));
            resumed += 1;
        }
    }
    println!("{resumed} files were taken on");
    assert!(resumed >= 15, "only {resumed} files");
}
