//! Two daemons and one file.

use rustix::process::Signal;

use crate::{
    Battery,
    daemon::{Daemon, Start, found_within},
    number,
    scene::Scene,
};

/// Longer than the daemon's time-outs, which are a second each.
const SUSPENDED_MS: i64 = 2_500;

const OPEN: &str = "SELECT count(*) FROM jobs WHERE finished_at IS NULL";

/// P13: of two that start at once one works and the other says who does, however often; the work suffers nothing.
#[test]
fn of_two_that_start_at_once_one_works() {
    let (rounds, seed) = (number("TWINS", 8), number("SEED", 1));
    let mut battery = Battery::new("twin-starts");
    let mut scene = Scene::new(seed, usize::try_from(rounds.clamp(8, 100)).unwrap());
    for nth in 0..rounds {
        scene.people.order_some(scene.folder.path(), nth, rounds);
        let before = scene.seam.truth().requests;
        let mut twins = [scene.launch().start(), scene.launch().start()];
        let starts = twins.each_mut().map(Daemon::await_start);
        let mut found = Vec::new();
        let refused = |start: &Start| matches!(start, Start::Ended(status) if status.code() == Some(75));
        match starts.iter().position(|start| *start == Start::Ready) {
            Some(winner) if refused(&starts[1 - winner]) => {
                let said = twins[1 - winner].said();
                let pid = format!("pid {}", twins[winner].pid());
                if !said.contains(&pid) && !said.contains("just starting") && !said.contains("just now") {
                    found.push(format!("the second does not say that it is {pid}: {said}"));
                }
                // The winner has answers to show for itself: who dies nine times without is taken for the cause.
                let works = found_within(10_000, || {
                    let enough = scene.seam.truth().requests >= before + 8;
                    (enough || scene.database.number(OPEN) == 0).then_some(())
                });
                found.extend(works.is_none().then(|| format!("the winner does nothing:\n{}", twins[winner].log())));
                twins[winner].must_live();
            }
            _ => found.push(format!("{starts:?}: {}", twins[0].log())),
        }
        drop(twins);
        scene.database.after_a_kill(nth);
        battery.case(&format!("round {nth}"), found);
    }
    battery.case("in the end", scene.finish());
    battery.end();
}

/// P13, P2: a suspended daemon keeps its file; woken after its time-outs it goes on, and nothing is done twice.
#[test]
fn a_suspended_daemon_keeps_its_file() {
    let (rounds, seed) = (number("STOPS", 2), number("SEED", 1));
    let mut battery = Battery::new("suspended");
    let mut scene = Scene::new(seed, usize::try_from(rounds.max(4) * 6).unwrap());
    for nth in 0..rounds {
        let before = scene.seam.truth().requests;
        scene.people.order_some(scene.folder.path(), nth * 2, rounds * 4);
        let mut first = scene.launch().start();
        first.await_ready();
        let at_work = found_within(30_000, || (scene.seam.truth().requests >= before + 10 + nth % 20).then_some(()));
        first.signal(Signal::STOP);
        let mut found = Vec::new();
        if at_work.is_none() {
            found.push(format!("not at work:\n{}", first.log()));
        }
        // It must be refused from the first moment to the last.
        let intruder = found_within(SUSPENDED_MS, || {
            let mut second = scene.launch().start();
            let start = second.await_start();
            let refused = matches!(start, Start::Ended(status) if status.code() == Some(75));
            (!refused).then(|| format!("a second one was let in: {start:?}: {}", second.log()))
        });
        found.extend(intruder);
        first.signal(Signal::CONT);
        let asked = scene.seam.truth().requests;
        if found_within(30_000, || (scene.seam.truth().requests > asked).then_some(())).is_none() {
            found.push(format!("woken, it does nothing:\n{}", first.log()));
        }
        first.must_live();
        if nth % 2 == 0 {
            first.stop();
        } else {
            first.kill();
        }
        battery.case(&format!("round {nth}"), found);
    }
    battery.case("in the end", scene.finish());
    battery.end();
}
